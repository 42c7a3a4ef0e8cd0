-- Note whether something was evicted from a node: its cordon is undone alone only if nothing was.
-- a: group, id, epoch, nonce, operation, node, evicted = 'maybe' (about to be tried) | 'yes' | 'no'
--    'no' takes back only this activation's own 'maybe': what a dead one tried is not known
-- -> {result = 'ok'} | {result = 'fenced'}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key, mine = P(a.group) .. 'node:' .. a.node, 'maybe:' .. a.id .. '/' .. a.epoch
local f = redis.call('HMGET', key, 'owner', 'evicted')
if f[1] == a.operation then
  if a.evicted == 'yes' then
    redis.call('HSET', key, 'evicted', 'yes')
  elseif a.evicted == 'maybe' and not f[2] then
    redis.call('HSET', key, 'evicted', mine)
  elseif a.evicted == 'no' and f[2] == mine then
    redis.call('HDEL', key, 'evicted')
  end
end
return cjson.encode({ result = 'ok' })
