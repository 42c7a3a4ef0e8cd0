-- Hold back acts of a kind, or let them go on: permit.lua refuses them meanwhile. Whoever decided on
-- what was known earlier does not overrule whoever knew more. A hold that nobody renews lapses.
-- a: group, id, epoch, nonce, bucket, on, at (ms: when what it was decided on was read), why,
--    keep (ms)
-- -> {result = 'ok'} | {result = 'late'} | {result = 'fenced'}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key = P(a.group) .. 'hold:' .. a.bucket
local f = redis.call('HMGET', key, 'at', 'on')
if tonumber(f[1] or 0) > a.at then return cjson.encode({ result = 'late' }) end
local on = a.on and '1' or '0'
if f[2] ~= on then redis.call('HSET', key, 'since', a.at) end
redis.call('HSET', key, 'on', on, 'at', a.at, 'why', a.why)
redis.call('PEXPIRE', key, a.keep)
return cjson.encode({ result = 'ok' })
