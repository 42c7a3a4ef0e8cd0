-- What is due: timers, lapsed leases, lost doorbells. Any number of keepers may sweep at once.
-- a: group, limit, grace (ms until a doorbell counts as lost)
-- -> {timers, leases, doorbells, next (ms until the next timer or lease; -1: none)}
local p = P(a.group)
local done = { timers = 0, leases = 0, doorbells = 0 }

local function fire(member)
  redis.call('ZREM', p .. 'timers', member)
  done.timers = done.timers + 1
  local kind, rest = string.match(member, '^(%w+)|(.*)$')
  if kind == 'yield' then
    if hget(wf_key(a.group, rest), 'state') == 'suspended' then make_ready(a.group, rest, nil) end
  elseif kind == 'notice' then
    local qid, name = string.match(rest, '^(.*)|([^|]*)$')
    local key = p .. 'q:' .. qid
    if hget(key, 'state') ~= 'open' then return end
    local reminded = cjson.decode(hget(key, 'reminded'))
    reminded[#reminded + 1] = name
    redis.call('HSET', key, 'reminded', cjson.encode(reminded))
    redis.call('HINCRBY', key, 'version', 1)
    event(a.group, hget(key, 'wf'), 'notice')
  else
    local id, step, name = string.match(rest, '^([^|]*)|(.*)|([^|]*)$')
    local wait = open_wait(a.group, id)
    if not wait or wait.key ~= step then return end
    close_wait(a.group, id, wait, name, cjson.null, 'nobody_answered')
    if hget(wf_key(a.group, id), 'state') == 'suspended' then make_ready(a.group, id, nil) end
    event(a.group, id, 'timer')
  end
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', p .. 'timers', '-inf', now, 'LIMIT', 0, a.limit)) do
  fire(member)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', p .. 'running', '-inf', now, 'LIMIT', 0, a.limit)) do
  if hget(wf_key(a.group, id), 'state') == 'running' then
    make_ready(a.group, id, 'reaped')
    redis.call('HINCRBY', p .. 'counts', 'reaped', 1)
    done.leases = done.leases + 1
  else
    redis.call('ZREM', p .. 'running', id)
  end
end
local queue = 'rq:queue:drainbot-' .. a.group
for _, id in ipairs(redis.call('ZRANGEBYSCORE', p .. 'ready', '-inf', now - a.grace, 'LIMIT', 0, a.limit)) do
  local f = redis.call('HMGET', wf_key(a.group, id), 'state', 'epoch', 'job')
  if f[1] ~= 'ready' then
    redis.call('ZREM', p .. 'ready', id)
  elseif not f[3] or not redis.call('LPOS', queue, f[3]) then
    if f[3] then
      redis.call('LREM', queue .. ':intermediate', 1, f[3])
      redis.call('DEL', 'rq:job:' .. f[3])
    end
    redis.call('ZADD', p .. 'ready', now, id)
    ring(a.group, id, tonumber(f[2]))
    done.doorbells = done.doorbells + 1
  end
end
local soonest = -1
for _, set in ipairs({ 'timers', 'running' }) do
  local first = redis.call('ZRANGE', p .. set, 0, 0, 'WITHSCORES')
  if first[2] then
    local left = math.max(0, tonumber(first[2]) - now)
    if soonest < 0 or left < soonest then soonest = left end
  end
end
done.next = soonest
return cjson.encode(done)
