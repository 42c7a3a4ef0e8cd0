-- Leave for one act outside, asked for right before it is sent: the activation still owns its
-- workflow, nobody aborted, paused or froze, no hold is on such acts, a quota has room, and the
-- shared rate allows it. A repeat may cost a second token of the rate; it never allows a second act.
--
-- A quota is a sorted set of members by when each was given leave. It has room for a member while
-- fewer than `room` others were given leave after `since`, of those in `of` where that is there. A
-- member that was given leave after `since` is given it again: the others count it already.
-- a: group, id, epoch, nonce, bucket (name), rate (a second; 0: unlimited), burst, shielded,
--    quota = {name, member, room, since (ms), of (a list of members), keep (ms)} or absent
-- -> {result = 'ok'} | {result = 'fenced'|'aborted'|'paused'|'frozen'} | {result = 'held', why}
--    | {result = 'full'} | {result = 'wait', ms}
if fenced() then return cjson.encode({ result = 'fenced' }) end
local key = wf_key(a.group, a.id)
local f = redis.call('HMGET', key, 'lease', 'abort', 'pause')
if tonumber(f[1]) <= now then return cjson.encode({ result = 'fenced' }) end
if f[2] and not a.shielded then return cjson.encode({ result = 'aborted' }) end
if f[3] and not a.shielded then return cjson.encode({ result = 'paused' }) end
if frozen() then return cjson.encode({ result = 'frozen' }) end
local hold = redis.call('HMGET', P(a.group) .. 'hold:' .. a.bucket, 'on', 'why')
if hold[1] == '1' then return cjson.encode({ result = 'held', why = hold[2] }) end

local function full(q)
  local taken = P(a.group) .. 'quota:' .. q.name
  local function recent(member)
    local at = redis.call('ZSCORE', taken, member)
    return at and tonumber(at) > q.since
  end
  if recent(q.member) then return false end
  if not q.of then return redis.call('ZCOUNT', taken, '(' .. q.since, '+inf') >= q.room end
  local others = 0
  for _, member in ipairs(q.of) do
    if recent(member) then others = others + 1 end
  end
  return others >= q.room
end

if a.quota and full(a.quota) then return cjson.encode({ result = 'full' }) end
if a.rate > 0 then
  local bucket = P(a.group) .. 'rate:' .. a.bucket
  -- The clock counts milliseconds: a bucket that holds less than one of them lets in caps the rate.
  local burst = math.max(a.burst, a.rate / 1000)
  local b = redis.call('HMGET', bucket, 'tokens', 'at')
  local tokens = math.min(burst, (tonumber(b[1]) or burst) + (now - (tonumber(b[2]) or now)) * a.rate / 1000)
  if tokens < 1 then
    return cjson.encode({ result = 'wait', ms = math.ceil((1 - tokens) * 1000 / a.rate) })
  end
  redis.call('HSET', bucket, 'tokens', tostring(tokens - 1), 'at', now)
  redis.call('PEXPIRE', bucket, 60000)
end
if a.quota then
  local taken = P(a.group) .. 'quota:' .. a.quota.name
  redis.call('ZREMRANGEBYSCORE', taken, '-inf', now - a.quota.keep)
  redis.call('ZADD', taken, now, a.quota.member)
  redis.call('PEXPIRE', taken, a.quota.keep)
end
return cjson.encode({ result = 'ok' })
