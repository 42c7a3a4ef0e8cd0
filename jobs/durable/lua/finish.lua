-- End a workflow and tell its parent.
-- a: group, id, epoch, nonce, call, state = done|failed|aborted, result, view, log
-- -> {result = 'ok'} | {result = 'fenced'}
return once_fenced(function()
  local key = wf_key(a.group, a.id)
  publish()
  redis.call('HSET', key, 'state', a.state, 'result', a.outcome, 'ended', now)
  forget_lease(a.group, a.id)
  redis.call('HDEL', P(a.group) .. 'watching', a.id)
  if hget(key, 'root') == a.id then
    -- What a view holds is its workflow's business: one that names no end counts by its state.
    local readable, view = pcall(cjson.decode, hget(key, 'view') or '')
    local how = readable and type(view) == 'table' and view['end']
    local counted = hget(key, 'name') .. '|' .. (type(how) == 'string' and how or a.state)
    redis.call('HINCRBY', P(a.group) .. 'counts', 'ended|' .. counted, 1)
    redis.call('ZREM', P(a.group) .. 'live', a.id)
    redis.call('ZADD', P(a.group) .. 'ended', now, a.id)
    -- A result that is long is kept beside the workflow alone: this list is never cut.
    audit(a.group, 'ended', a.id, { state = a.state }, #a.outcome <= 2000 and a.outcome or nil)
  end
  event(a.group, a.id, a.state)
  child_ended(a.group, a.id)
  return { result = 'ok' }
end)
