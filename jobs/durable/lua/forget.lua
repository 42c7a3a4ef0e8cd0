-- Delete operations that ended before a time, with all that belongs to them, a few a call.
-- a: group, before (ms), limit -> {forgotten}
local p, count = P(a.group), 0
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
    key .. ':log')
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', p .. 'ended', '-inf', a.before, 'LIMIT', 0, a.limit)) do
  if not hget(wf_key(a.group, id), 'keep') then
    forget(a.group, id)
    redis.call('ZREM', p .. 'ended', id)
    count = count + 1
  end
end
return cjson.encode({ forgotten = count })
