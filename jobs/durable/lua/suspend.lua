-- Wait for the first of several things without holding a slot; or learn that it has happened.
-- a: group, id, epoch, nonce, call, view, log, and either
--    wait = {key, fp, interruptible, parts = [{name, kind = question|timer|children|signal, …}]},
--           with questions to ask = [{id, kind, payload, choices, votes_needed, notices…}]; those
--           of one operation that give the same cause become one, and `joins` says why
--    or yield = {until} (0: no time), watching: an activity starts over when something wakes it
-- -> {result = 'decided', step} | {result = 'suspended'} | {result = 'fenced'}
return once_fenced(function()
  local key, timers = wf_key(a.group, a.id), P(a.group) .. 'timers'
  local published = publish()
  if a.wait then
    local decided = hget(key .. ':steps', a.wait.key)
    if decided then return { result = 'decided', step = decided } end
    local known = open_wait(a.group, a.id)
    if not known or known.key ~= a.wait.key then
      for _, q in ipairs(a.questions or {}) do ask(a.group, a.id, a.wait.key, q) end
      for _, part in ipairs(a.wait.parts) do
        if part.kind == 'timer' then
          part.at = now + part.after
          redis.call('ZADD', timers, part.at, 'wf|' .. a.id .. '|' .. a.wait.key .. '|' .. part.name)
        end
      end
      redis.call('HSET', key, 'wait', cjson.encode(a.wait), 'barren', 0)
      for _, q in ipairs(a.questions or {}) do align_stops(a.group, q.id) end
    end
    local wait = open_wait(a.group, a.id)
    if try_close(a.group, a.id, wait) then
      event(a.group, a.id, 'decided')
      return { result = 'decided', step = hget(key .. ':steps', a.wait.key) }
    end
  else
    redis.call('HSET', key, 'yield', cjson.encode(a.yield), 'barren', 0)
    if a.yield['until'] > 0 then redis.call('ZADD', timers, a.yield['until'], 'yield|' .. a.id) end
  end
  if a.watching then
    redis.call('HSET', P(a.group) .. 'watching', a.id, a.watching)
  end
  redis.call('HSET', key, 'state', 'suspended')
  forget_lease(a.group, a.id)
  if a.wait or published then event(a.group, a.id, 'suspended') end
  -- A flag that was set while the activation ran its last lines would otherwise wake nobody.
  if a.yield then
    local f = flags()
    if (f.abort ~= '') ~= a.seen.abort or (f.pause ~= '') ~= a.seen.pause
      or (f.freeze ~= nil) ~= (a.seen.freeze or false) then
      make_ready(a.group, a.id, nil)
    end
  end
  return { result = 'suspended' }
end)
