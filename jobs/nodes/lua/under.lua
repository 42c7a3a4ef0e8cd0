-- Note which operation has just evicted pods under some budgets, so that a drain which one of them
-- blocks can say who holds it. A repeat only notes a later time.
-- a: group, id, epoch, nonce, operation, budgets = {'<namespace>/<name>', …}, keep (ms)
-- -> {result = 'ok'} | {result = 'fenced'}
if fenced() then return cjson.encode({ result = 'fenced' }) end
for _, budget in ipairs(a.budgets) do
  local key = P(a.group) .. 'under:' .. budget
  local known = redis.call('HGETALL', key)
  for i = 1, #known, 2 do
    if tonumber(known[i + 1]) <= now - a.keep then redis.call('HDEL', key, known[i]) end
  end
  redis.call('HSET', key, a.operation, now)
  redis.call('PEXPIRE', key, a.keep)
end
return cjson.encode({ result = 'ok' })
