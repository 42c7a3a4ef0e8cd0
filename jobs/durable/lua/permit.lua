-- Leave for one act outside, asked for right before it is sent: the activation still owns its
-- workflow, nobody aborted, paused or froze, and the shared rate allows it.
-- A repeat may cost a second token of the rate; it never allows a second act.
-- a: group, id, epoch, nonce, bucket (name), rate (a second; 0: unlimited), burst, shielded
-- -> {result = 'ok'} | {result = 'fenced'|'aborted'|'paused'|'frozen'} | {result = 'wait', ms}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key = wf_key(a.group, a.id)
local f = redis.call('HMGET', key, 'lease', 'abort', 'pause')
if tonumber(f[1]) <= now then return cjson.encode({ result = 'fenced' }) end
if f[2] and not a.shielded then return cjson.encode({ result = 'aborted' }) end
if f[3] and not a.shielded then return cjson.encode({ result = 'paused' }) end
if redis.call('EXISTS', P(a.group) .. 'freeze') == 1 then return cjson.encode({ result = 'frozen' }) end
if a.rate > 0 then
  local bucket = P(a.group) .. 'rate:' .. a.bucket
  local b = redis.call('HMGET', bucket, 'tokens', 'at')
  local tokens = math.min(a.burst, (tonumber(b[1]) or a.burst) + (now - (tonumber(b[2]) or now)) * a.rate / 1000)
  if tokens < 1 then
    return cjson.encode({ result = 'wait', ms = math.ceil((1 - tokens) * 1000 / a.rate) })
  end
  redis.call('HSET', bucket, 'tokens', tostring(tokens - 1), 'at', now)
  redis.call('PEXPIRE', bucket, 60000)
end
return cjson.encode({ result = 'ok' })
