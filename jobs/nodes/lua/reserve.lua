-- Reserve nodes for an operation: all of them or none. A node is free when nobody owns it, when the
-- same operation does, or when its owner has ended (then its cordon is taken over).
-- a: group, id, epoch, nonce, call, operation, nodes = [{name, uid, shown}], max_away, by, why, owned
--    shown: the counter on the node's annotation; ours is never below it
--    owned: the owned nodes by which the caller decided, as a list; absent: it looked at none
-- Keys: node:<name>  hash  uid, mode, mode_seq, owner, counter, since, by, why
--       owned        set   names of the nodes that some operation owns
-- -> {result = 'reserved'} | {result = 'taken', takers = [{node, owner}]}
--    | {result = 'too_many', away} | {result = 'changed'} | {result = 'fenced'}
return once_fenced(function()
  local p, takers, more = P(a.group), {}, 0
  for _, node in ipairs(a.nodes) do
    local f = redis.call('HMGET', p .. 'node:' .. node.name, 'owner', 'uid')
    local owner = f[1]
    if not owner or owner == '' then more = more + 1 end
    if owner and owner ~= '' and owner ~= a.operation and f[2] == node.uid then
      local state = hget(wf_key(a.group, owner), 'state')
      if state and not final(state) then takers[#takers + 1] = { node = node.name, owner = owner } end
    end
  end
  if #takers > 0 then return { result = 'taken', takers = takers } end
  local away = redis.call('SCARD', p .. 'owned')
  if a.owned and #a.owned ~= away then return { result = 'changed' } end
  for _, name in ipairs(a.owned or {}) do
    if redis.call('SISMEMBER', p .. 'owned', name) == 0 then return { result = 'changed' } end
  end
  if more > 0 and away + more > a.max_away then return { result = 'too_many', away = away } end
  for _, node in ipairs(a.nodes) do
    local key = p .. 'node:' .. node.name
    local before = hget(key, 'owner') or ''
    local counter = math.max(tonumber(hget(key, 'counter') or 0), node.shown) + 1
    if hget(key, 'uid') ~= node.uid or hget(key, 'mode') == 'gone' then
      redis.call('HDEL', key, 'mode', 'mode_seq', 'evicted')
    end
    if before == '' then redis.call('HDEL', key, 'evicted') end
    if before ~= a.operation then
      redis.call('HDEL', key, 'before', 'tended', 'tender')
      if before ~= '' then redis.call('HSET', key, 'before', before) end -- its mark may be on the node
    end
    redis.call('HSET', key, 'uid', node.uid, 'owner', a.operation, 'counter', counter,
      'holder', '', 'since', now, 'by', a.by, 'why', a.why)
    redis.call('HSETNX', key, 'mode', 'accepting')
    redis.call('PERSIST', key)
    redis.call('SADD', p .. 'owned', node.name)
    if before ~= '' and before ~= a.operation then forget_keep(before) end
  end
  local names = {}
  for _, node in ipairs(a.nodes) do names[#names + 1] = node.name end
  audit(a.group, 'reserved', a.id, { nodes = names, by = a.by, why = a.why })
  return { result = 'reserved' }
end)
