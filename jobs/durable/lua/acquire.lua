-- Take a ready workflow: the activation (epoch, nonce) owns it until its lease lapses.
-- a: group, id, epoch, nonce, owner, lease (ms), job, barren_limit, stuck (question for people)
-- -> {result = 'acquired', wf = [field, value…], steps = [key, value…], freeze} | {result = 'stale'|'stuck'}
-- Forget how far a stuck workflow came and let it begin anew, with its input, once the children that
-- it has under way have ended: two of them at work on the same thing would undo each other's.
local function restart(group, id, value)
  local key = wf_key(group, id)
  local live = {}
  for _, ref in ipairs(redis.call('SMEMBERS', key .. ':children')) do
    local child_group, child = string.match(ref, '^([^|]*)|(.*)$')
    if not final(hget(wf_key(child_group, child), 'state')) then
      live[#live + 1] = ref
    end
  end
  local wait = open_wait(group, id)
  if wait then close_wait(group, id, wait, '', cjson.null, 'superseded') end
  redis.call('DEL', key .. ':steps')
  redis.call('HDEL', key, 'yield', 'given_up')
  redis.call('HSET', key, 'barren', 0, 'log_base', redis.call('LLEN', key .. ':log'))
  redis.call('HINCRBY', key, 'generation', 1)
  if #live == 0 then
    make_ready(group, id, 'restarted')
    return
  end
  local part = { name = 'children', kind = 'children', ids = live, need = #live }
  redis.call('HSET', key, 'state', 'suspended', 'wait', cjson.encode({
    key = '~restart', fp = '', interruptible = true, parts = { part } }))
  for _, ref in ipairs(live) do
    local child_group, child = string.match(ref, '^([^|]*)|(.*)$')
    set_flag(child_group, child, 'abort', value)
  end
  event(group, id, 'restarted')
end

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
  local again = hget(key, 'restart')
  if again then
    redis.call('HDEL', key, 'restart')
    restart(a.group, a.id, again)
    return cjson.encode({ result = 'stale' })
  end
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
  steps = redis.call('HGETALL', key .. ':steps'),
  freeze = frozen() })
