-- Get the counter under which this activation may write to a node: raised at every take-over, so
-- that what an earlier activation still sends is told from ours by the lower number.
-- a: group, id, epoch, nonce, operation, node, uid, shown
-- -> {result = 'ok', counter, mode} | {result = 'lost', owner} | {result = 'fenced'}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key = P(a.group) .. 'node:' .. a.node
local f = redis.call('HMGET', key, 'owner', 'uid', 'counter', 'holder', 'mode')
if f[1] ~= a.operation or f[2] ~= a.uid then
  return cjson.encode({ result = 'lost', owner = f[1] or '' })
end
local holder, counter = a.id .. '/' .. a.epoch, tonumber(f[3])
if f[4] ~= holder or counter < a.shown then
  counter = math.max(counter, a.shown) + 1
  redis.call('HSET', key, 'counter', counter, 'holder', holder)
end
return cjson.encode({ result = 'ok', counter = counter, mode = f[5] })
