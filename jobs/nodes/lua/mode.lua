-- Change a node's mode, or let go of it.
-- a: group, id, epoch, nonce, call, operation, node, from (list), to, release, by, why
-- -> {result = 'ok'} | {result = 'refused', mode} | {result = 'lost', owner} | {result = 'fenced'}
return once_fenced(function()
  local key = P(a.group) .. 'node:' .. a.node
  local f = redis.call('HMGET', key, 'owner', 'mode')
  if f[1] ~= a.operation then return { result = 'lost', owner = f[1] or '' } end
  local allowed = f[2] == a.to
  for _, mode in ipairs(a.from) do allowed = allowed or mode == f[2] end
  if not allowed then return { result = 'refused', mode = f[2] } end
  redis.call('HSET', key, 'mode', a.to, 'since', now, 'by', a.by, 'why', a.why)
  if a.release then
    let_go(a.node, a.operation)
  else
    redis.call('HSET', wf_key(a.group, a.operation), 'keep', 1)
  end
  event(a.group, a.id, 'node_mode')
  if f[2] ~= a.to or a.release then
    audit(a.group, 'node_mode', a.id, { node = a.node, from = f[2], to = a.to,
      release = a.release, by = a.by, why = a.why })
  end
  return { result = 'ok' }
end)
