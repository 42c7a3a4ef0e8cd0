-- Change a node's mode, or let go of it.
-- a: group, id, epoch, nonce, call, operation, node, to, release, by, why,
--    routes: the modes from which it may change -> through which modes it gets to `to`, in order
--    names: '<from>><to>' -> the name of that change; noted: what is to be kept beside the mode
-- -> {result = 'ok'} | {result = 'refused', mode} | {result = 'lost', owner} | {result = 'fenced'}
return once_fenced(function()
  local key = P(a.group) .. 'node:' .. a.node
  local f = redis.call('HMGET', key, 'owner', 'mode')
  if f[1] ~= a.operation then return { result = 'lost', owner = f[1] or '' } end
  local route = f[2] == a.to and { a.to } or a.routes[f[2]]
  if not route then return { result = 'refused', mode = f[2] } end
  redis.call('HSET', key, 'mode', a.to, 'since', now, 'by', a.by, 'why', a.why)
  if a.noted and next(a.noted) then
    local noted = cjson.decode(hget(key, 'noted') or '{}')
    for name, value in pairs(a.noted) do noted[name] = value end
    redis.call('HSET', key, 'noted', cjson.encode(noted))
  end
  if a.release then
    let_go(a.node, a.operation)
  else
    redis.call('HSET', wf_key(a.group, a.operation), 'keep', 1)
  end
  local from = f[2]
  for _, mode in ipairs(route) do
    event(a.group, a.id, 'node_mode', told(a.node, from, mode, (a.names or {})[from .. '>' .. mode] or 'mode_repeated'))
    from = mode
  end
  if f[2] ~= a.to or a.release then
    audit(a.group, 'node_mode', a.id, { node = a.node, from = f[2], to = a.to,
      release = a.release, by = a.by, why = a.why })
  end
  return { result = 'ok' }
end)
