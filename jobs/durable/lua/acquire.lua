-- Take a ready workflow: the activation (epoch, nonce) owns it until its lease lapses.
-- a: group, id, epoch, nonce, owner, lease (ms), job, barren_limit, stuck (question for people)
-- -> {result = 'acquired', wf = [field, value…], steps = [key, value…]} | {result = 'stale'|'stuck'}
local key = wf_key(a.group, a.id)
local queue = 'rq:queue:drainbot-' .. a.group
if a.job ~= '' then -- the doorbell has been answered: nothing of it stays behind in RQ
  redis.call('LREM', queue .. ':intermediate', 1, a.job)
  redis.call('DEL', 'rq:job:' .. a.job)
end
local f = redis.call('HMGET', key, 'state', 'epoch', 'nonce')
local epoch = tonumber(f[2] or -1)
local mine = f[1] == 'running' and epoch == a.epoch and f[3] == a.nonce
if not mine then
  if f[1] == 'stuck' and epoch == a.epoch then return cjson.encode({ result = 'stuck' }) end
  if f[1] ~= 'ready' or epoch ~= a.epoch then return cjson.encode({ result = 'stale' }) end
  redis.call('ZREM', P(a.group) .. 'ready', a.id)
  local barren = redis.call('HINCRBY', key, 'barren', 1)
  if barren > a.barren_limit then
    park(a.group, a.id, a.stuck)
    return cjson.encode({ result = 'stuck' })
  end
  redis.call('HSET', key, 'state', 'running', 'nonce', a.nonce, 'owner', a.owner,
    'lease', now + a.lease)
  redis.call('ZADD', P(a.group) .. 'running', now + a.lease, a.id)
end
return cjson.encode({ result = 'acquired', lines = redis.call('LLEN', key .. ':log'), wf = redis.call('HGETALL', key), at = now,
  steps = redis.call('HGETALL', key .. ':steps') })
