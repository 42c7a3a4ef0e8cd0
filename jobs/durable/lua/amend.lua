-- Bring the facts of an open question up to date, in place.
-- a: group, question, payload -> {result = 'ok'|'closed'}
local key = P(a.group) .. 'q:' .. a.question
if hget(key, 'state') ~= 'open' then return cjson.encode({ result = 'closed' }) end
if hget(key, 'payload') ~= a.payload then
  redis.call('HSET', key, 'payload', a.payload)
  redis.call('HINCRBY', key, 'version', 1)
  event(a.group, hget(key, 'wf'), 'amended')
end
return cjson.encode({ result = 'ok' })
