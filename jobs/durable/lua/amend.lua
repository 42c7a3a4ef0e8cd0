-- Bring the facts of an open question up to date, in place.
-- a: group, question, id (whose part of it this is, where several wait for it), payload
-- -> {result = 'ok'|'closed'}
local key, waits = P(a.group) .. 'q:' .. a.question, false
local id = a.id or hget(key, 'wf')
if hget(key, 'state') ~= 'open' then return cjson.encode({ result = 'closed' }) end
for _, member in ipairs(members_of(a.group, a.question)) do
  waits = waits or member.wf == id and not member.left
end
if not waits then return cjson.encode({ result = 'closed' }) end
local field = payload_field(key, id)
if hget(key, field) ~= a.payload then
  redis.call('HSET', key, field, a.payload)
  redis.call('HINCRBY', key, 'version', 1)
  event(a.group, id, 'amended')
end
return cjson.encode({ result = 'ok' })
