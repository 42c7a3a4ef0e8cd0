-- Let go of a node whose operation has ended and needs it no more: the node is gone from the cluster,
-- or was reserved and never touched. Of one that is at work, that operation finds out by itself.
-- a: group, node, uid (of the record), gone (false: the node is there, without that operation's mark)
-- -> {result = 'let_go', operation} | {result = 'kept'}
local key = P(a.group) .. 'node:' .. a.node
local f = redis.call('HMGET', key, 'owner', 'uid', 'mode')
local owner, mode = f[1] or '', f[3]
local state = hget(wf_key(a.group, owner), 'state')
if owner == '' or f[2] ~= a.uid or (state and not final(state)) or not (a.gone or mode == 'accepting') then
  return cjson.encode({ result = 'kept' })
end
local to = a.gone and 'gone' or mode
redis.call('HSET', key, 'mode', to, 'since', now)
let_go(a.node, owner)
if state then
  event(a.group, owner, 'node_mode', told(a.node, mode, to, to == 'gone' and 'gone' or 'mode_repeated'))
  audit(a.group, 'node_mode', owner, { node = a.node, from = mode, to = to, release = true })
else
  told(a.node, mode, to, '') -- nobody is left to tell of it, but it counts
end
return cjson.encode({ result = 'let_go', operation = owner })
