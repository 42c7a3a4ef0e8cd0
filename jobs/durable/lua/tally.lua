-- Add up what the calls of all workers came to, second by second, and say what is known of late.
-- A repeat, known by its source and its call, adds nothing.
-- a: group, id, epoch, nonce, call, name, source (whoever counts), keep (s),
--    counts = {{seconds ago, calls, failed}, …}, bucket (of the hold to tell of),
--    totals = {name = number} or absent: added to the hash `counts`, for good
-- -> {result = 'ok', at (ms), counts = {{second, calls, failed}, …}, on, since (ms), why}
--    | {result = 'fenced'}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key = P(a.group) .. 'tally:' .. a.name
local source, second = key .. ':' .. a.source, math.floor(now / 1000)
if redis.call('GET', source) ~= a.call then
  for _, count in ipairs(a.counts) do
    local at = string.format('%d', second - count[1])
    redis.call('HINCRBY', key, 'c' .. at, count[2])
    redis.call('HINCRBY', key, 'f' .. at, count[3])
  end
  for total, number in pairs(a.totals or {}) do
    redis.call('HINCRBY', P(a.group) .. 'counts', total, number)
  end
  redis.call('SET', source, a.call, 'PX', a.keep * 1000)
  redis.call('PEXPIRE', key, a.keep * 1000)
end
local known, counts = redis.call('HGETALL', key), {}
for i = 1, #known, 2 do
  local kind, at = string.match(known[i], '^(.)(%d+)$')
  if tonumber(at) <= second - a.keep then
    redis.call('HDEL', key, known[i])
  elseif kind == 'c' then
    counts[#counts + 1] = { tonumber(at), tonumber(known[i + 1]), tonumber(hget(key, 'f' .. at) or 0) }
  end
end
local hold = redis.call('HMGET', P(a.group) .. 'hold:' .. a.bucket, 'on', 'since', 'why')
return cjson.encode({
  result = 'ok', at = now, counts = #counts > 0 and counts or nil,
  on = hold[1] == '1', since = tonumber(hold[2] or 0), why = hold[3] or '',
})
