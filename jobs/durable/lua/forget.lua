-- Delete operations that ended before a time, with all that belongs to them, a few a call; not
-- those that are to be kept.
-- a: group, before (ms), limit -> {forgotten}
local p, count = P(a.group), 0

-- A child that its parent did not wait for may still go on.
local function goes_on(group, id)
  for _, ref in ipairs(redis.call('SMEMBERS', wf_key(group, id) .. ':children')) do
    local child_group, child = string.match(ref, '^([^|]*)|(.*)$')
    local state = hget(wf_key(child_group, child), 'state')
    if state and not final(state) or goes_on(child_group, child) then return true end
  end
  return false
end

local function forget(group, id)
  local key = wf_key(group, id)
  for _, ref in ipairs(redis.call('SMEMBERS', key .. ':children')) do
    local child_group, child = string.match(ref, '^([^|]*)|(.*)$')
    forget(child_group, child)
  end
  for _, qid in ipairs(redis.call('LRANGE', key .. ':questions', 0, -1)) do
    redis.call('DEL', P(group) .. 'q:' .. qid)
  end
  redis.call('DEL', key, key .. ':steps', key .. ':children', key .. ':ended', key .. ':questions',
    key .. ':log', key .. ':held')
end
-- Those to be kept stay in front: step over them, or enough of them would keep all others.
local kept = 0
repeat
  local ids = redis.call('ZRANGEBYSCORE', p .. 'ended', '-inf', a.before, 'LIMIT', kept, a.limit - count)
  for _, id in ipairs(ids) do
    if hget(wf_key(a.group, id), 'keep') or goes_on(a.group, id) then
      kept = kept + 1
    else
      forget(a.group, id)
      redis.call('ZREM', p .. 'ended', id)
      count = count + 1
    end
  end
until #ids == 0 or count >= a.limit
return cjson.encode({ forgotten = count })
