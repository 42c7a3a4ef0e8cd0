-- A named lease for a role of which one holder is wanted (notifier, watcher), or for a turn that each
-- of several takes for a while.
-- a: group, name, owner, ms (0: give it up), keep (ms until all of it is forgotten; absent: never)
-- -> {token} (0: somebody else holds it)
local key = P(a.group) .. 'lease:' .. a.name
local f = redis.call('HMGET', key, 'owner', 'until', 'token')
local held = f[1] and f[1] ~= '' and tonumber(f[2]) > now
if held and f[1] ~= a.owner then return cjson.encode({ token = 0 }) end
if a.keep and redis.call('EXISTS', key) == 1 then redis.call('PEXPIRE', key, a.keep) end
if a.ms == 0 then
  if f[1] == a.owner then redis.call('HSET', key, 'owner', '', 'until', 0) end
  return cjson.encode({ token = 0 })
end
local token = tonumber(f[3] or 0)
-- Above the time: a Redis that lost the former tokens never gives one of them again.
if not held then token = math.max(token + 1, now) end
redis.call('HSET', key, 'owner', a.owner, 'until', now + a.ms, 'token', token)
if a.keep then redis.call('PEXPIRE', key, a.keep) end
return cjson.encode({ token = token })
