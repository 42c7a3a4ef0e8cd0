-- Put hashes at the end of the chain, if it ends where they were computed from: of two writers that
-- link the same entries one is told so, and nobody forks the chain or links an entry twice.
-- a: group, from (how long the chain is), before (its last hash; '' for none), hashes (a list),
--    about = {{what, number}, …}
-- -> {result = 'ok' | 'behind', length} (a repeat is answered 'ok' while nobody went on from it)
local length, count = redis.call('LLEN', chain), #a.hashes
local function last() return redis.call('LRANGE', chain, -1, -1)[1] or '' end
if length == a.from + count and last() == a.hashes[count] then
  return cjson.encode({ result = 'ok', length = length })
end
if length ~= a.from or last() ~= a.before or redis.call('LLEN', entries) < a.from + count then
  return cjson.encode({ result = 'behind', length = length })
end
redis.call('RPUSH', chain, unpack(a.hashes))
for _, each in ipairs(a.about) do
  redis.call('RPUSH', P(a.group) .. 'audit:of:' .. each[1], each[2])
end
return cjson.encode({ result = 'ok', length = length + count })
