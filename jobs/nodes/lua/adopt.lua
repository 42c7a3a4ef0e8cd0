-- Take a node that is out of service from the operation that drained it, to tend it from now on. That
-- operation may be at work on its other nodes still: with this one it is done, unless it tends it.
-- `tended` is the operation, `tender` the workflow of it that does so: whoever sees more tells that one.
-- a: group, id, epoch, nonce, call, operation, node, uid, modes = the modes in which it may be taken, why, by
-- -> {result = 'adopted', mode} | {result = 'taken', owner} | {result = 'refused', mode}
--    | {result = 'free'} | {result = 'fenced'}
return once_fenced(function()
  local key = P(a.group) .. 'node:' .. a.node
  local f = redis.call('HMGET', key, 'owner', 'mode', 'uid', 'tended', 'counter')
  local owner, mode = f[1] or '', f[2]
  if owner == '' or f[3] ~= a.uid then return { result = 'free' } end
  if owner == a.operation then
    redis.call('HSET', key, 'tended', owner, 'tender', a.id)
    return { result = 'adopted', mode = mode }
  end
  local state = hget(wf_key(a.group, owner), 'state')
  local live = state and not final(state)
  if live and f[4] == owner then return { result = 'taken', owner = owner } end
  local drained_by = cjson.decode(hget(key, 'noted') or '{}').drained_by
  local may = false
  for _, each in ipairs(a.modes) do may = may or each == mode end
  if not may or (live and drained_by ~= owner) then
    if live then return { result = 'taken', owner = owner } end
    return { result = 'refused', mode = mode }
  end
  redis.call('HSET', key, 'owner', a.operation, 'before', owner, 'tended', a.operation,
    'tender', a.id, 'holder', '', 'counter', tonumber(f[5]) + 1)
  redis.call('HSET', wf_key(a.group, a.operation), 'keep', 1)
  forget_keep(owner)
  audit(a.group, 'reserved', a.id, { nodes = { a.node }, by = a.by, why = a.why })
  return { result = 'adopted', mode = mode }
end)
