-- Store the outcome of a step, once; publish what was staged with it.
-- a: group, id, epoch, nonce, call, step (absent: only publish), fp, status, value, view, log, latest
-- -> {result = 'ok', abort, pause, freeze, at} | {result = 'fenced'} | {result = 'diverged', fp}
-- The busiest script: it does what once_fenced, step_put and flags do in as few calls as it can.
local key = wf_key(a.group, a.id)
local f = redis.call('HMGET', key, 'last_call', 'last_reply', 'state', 'epoch', 'nonce', 'abort', 'pause')
if f[1] == a.call then return f[2] end
if not (f[3] == 'running' and tonumber(f[4]) == a.epoch and f[5] == a.nonce) or forgotten() then
  return cjson.encode({ result = 'fenced' })
end
local reply = { result = 'ok', abort = f[6] or '', pause = f[7] or '', at = now,
  freeze = frozen() }
if a.step then
  local record = cjson.encode({ fp = a.fp, status = a.status, value = a.value, at = now })
  if redis.call('HSETNX', key .. ':steps', a.step, record) == 0 then
    reply = { result = 'diverged', fp = step_get(a.group, a.id, a.step).fp }
  end
end
if reply.result == 'ok' and publish() then event(a.group, a.id, 'step') end
local said = cjson.encode(reply)
if a.step and reply.result == 'ok' then
  redis.call('HSET', key, 'last_call', a.call, 'last_reply', said, 'barren', 0)
else
  redis.call('HSET', key, 'last_call', a.call, 'last_reply', said)
end
return said
