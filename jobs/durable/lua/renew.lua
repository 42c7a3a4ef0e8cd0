-- Renew a lease, store the latest progress, and learn of abort, pause and freeze.
-- a: group, id, epoch, nonce, lease (ms), progress (optional; makes no event: latest wins)
-- -> {result = 'ok', abort, pause, freeze (absent: none)} | {result = 'fenced'}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key = wf_key(a.group, a.id)
redis.call('HSET', key, 'lease', now + a.lease)
redis.call('ZADD', P(a.group) .. 'running', now + a.lease, a.id)
-- New progress is as good as a step: an activity that gets on is not stuck, however often its
-- process dies.
if a.progress and a.progress ~= hget(key, 'progress') then
  redis.call('HSET', key, 'progress', a.progress, 'barren', 0)
end
local f = flags()
f.result = 'ok'
return cjson.encode(f)
