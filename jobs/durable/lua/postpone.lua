-- Wait longer: move a question's stop and its reminders; it stays open. Those that were due already
-- come once more: whoever waits is to be reminded of the new stop too.
-- a: group, question, by, note, ms, choice, call, audit (JSON of the caller's, or absent)
-- -> {result = 'postponed'|'already_settled'|'closed'|'unknown'}
return once(function()
  local key, timers = P(a.group) .. 'q:' .. a.question, P(a.group) .. 'timers'
  local state = hget(key, 'state')
  if not state then return { result = 'unknown' } end
  if state == 'settled' then return { result = 'already_settled' } end
  if state == 'closed' then return { result = 'closed' } end
  local id = hget(key, 'wf')
  for _, member in ipairs(members_of(a.group, a.question)) do
    for _, timer in ipairs(member.left and {} or movable_timers(a.group, member.wf)) do
      local at = tonumber(redis.call('ZSCORE', timers, timer))
      redis.call('ZADD', timers, math.max(at, now) + a.ms, timer)
    end
  end
  local shifted = redis.call('HINCRBY', key, 'shifted', a.ms)
  local after = cjson.decode(hget(key, 'notices_after') or '{}')
  for _, name in ipairs(cjson.decode(hget(key, 'notices'))) do
    local member = 'notice|' .. a.question .. '|' .. name
    local at = redis.call('ZSCORE', timers, member)
    if at then
      redis.call('ZADD', timers, tonumber(at) + a.ms, member)
    elseif after[name] then
      local again = tonumber(hget(key, 'opened_at')) + after[name] + shifted
      if again > now then redis.call('ZADD', timers, again, member) end
    end
  end
  local waits = cjson.decode(hget(key, 'waits'))
  waits[#waits + 1] = { choice = a.choice, by = a.by, at = now, note = a.note }
  redis.call('HSET', key, 'waits', cjson.encode(waits))
  if tonumber(hget(key, 'stop_at')) > 0 then redis.call('HINCRBY', key, 'stop_at', a.ms) end
  redis.call('HINCRBY', key, 'version', 1)
  event(a.group, id, 'postponed')
  audit(a.group, 'vote', id, { question = a.question, kind = hget(key, 'kind'), choice = a.choice,
    by = a.by, note = a.note, result = 'postponed', of = wfs_of(a.group, a.question), asked_at = tonumber(hget(key, 'opened_at')) }, a.audit)
  return { result = 'postponed' }
end)
