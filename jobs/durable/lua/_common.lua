-- Shared by every script: it is put in front of each of them when they are loaded, with _questions.lua.
--
-- A script gets one argument, a JSON object `a`. Values that belong to workflows (inputs, results,
-- views, payloads) are strings in it and stay strings: Lua never decodes and encodes them, because
-- it can't tell an empty list from an empty object.
--
-- Keys, all below `drainbot:<group>:` (a group is a cluster's workers, one queue each)
--   wf:<id>            hash    a workflow: name, input, state, epoch, nonce, owner, lease…
--   wf:<id>:steps      hash    step key -> {fp, status, value, at} (JSON)
--   wf:<id>:children   set     "group|id" of its children
--   wf:<id>:ended      set     those of them that have ended
--   wf:<id>:questions  list    ids of its questions, in the order in which they were asked
--   wf:<id>:log        list    its story, one JSON entry a line
--   wf:<id>:held       list    who paused and resumed it, and when, one JSON entry each
--   q:<id>             hash    a question: wf, key, state, choices, votes, winner…
--   ready              zset    workflow -> since when its doorbell has been ringing (ms)
--   running            zset    workflow -> when its lease lapses (ms)
--   timers             zset    "wf|…" or "notice|…" -> when it is due (ms)
--   watching           hash    workflow -> what it waits for outside, for the watcher (JSON)
--   live, ended        zset    root workflow -> when it was created / ended (ms)
--   open               zset    open question -> since when (ms)
--   causes             hash    root|cause -> the open question about it, which others join
--   events             stream  wf, root, kind: something changed; capped; some kinds say more
--   dedup:<key>        string  the workflow that this key started
--   once:<nonce>       string  the reply to a call that may be repeated
--   audit              list    what was done, for good, one line of JSON each; never capped
--   freeze             string  who froze the group, when and why (JSON): no leave; or empty
--   freezes            list    those that are over, with who thawed them, one JSON entry each
--
-- States of a workflow: ready, running, suspended, stuck; done, failed, aborted (these are final).

local a = cjson.decode(ARGV[1])

local function clock()
  if a.now and a.now > 0 then return a.now end -- only tests pass a time
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local now = clock()

local function P(group) return 'drainbot:' .. group .. ':' end
local function wf_key(group, id) return P(group) .. 'wf:' .. id end
local function hget(key, field) return redis.call('HGET', key, field) or nil end
local function final(state) return state == 'done' or state == 'failed' or state == 'aborted' end

local function event(group, id, kind, ...)
  local key = wf_key(group, id)
  local root, root_group = hget(key, 'root') or id, hget(key, 'root_group') or group
  redis.call('HSET', key, 'updated', now)
  redis.call('HINCRBY', wf_key(root_group, root), 'version', 1)
  redis.call('XADD', P(root_group) .. 'events', 'MAXLEN', '~', a.stream_length or 20000, '*',
    'wf', id, 'root', root, 'kind', kind, ...)
end

-- Write down for good what was done, in the order of the changes: one line of JSON. `more` is JSON
-- text of the caller's own, which nobody here reads. Scripts that are sent twice write it once.
local function audit(group, what, id, fields, more)
  local root = hget(wf_key(group, id), 'root') or id
  fields.at, fields.what = now, what
  if root ~= '' then fields.op = root end -- '': it is about the whole group
  if root ~= id then fields.wf = id end
  local line = cjson.encode(fields)
  if more then line = string.sub(line, 1, -2) .. ',"facts":' .. more .. '}' end
  redis.call('RPUSH', P(group) .. 'audit', line)
end

-- A time as RQ writes it, from ms since the epoch (days to a date: Howard Hinnant, civil_from_days).
local function iso(ms)
  local days, rest = math.floor(ms / 86400000), ms % 86400000
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month,
    doy - math.floor((153 * mp + 2) / 5) + 1, math.floor(rest / 3600000),
    math.floor(rest / 60000) % 60, math.floor(rest / 1000) % 60, rest % 1000 * 1000)
end

-- An RQ job is a doorbell: it names a workflow and an epoch, and means nothing by itself.
local function ring(group, id, epoch)
  local doorbell, at = cjson.decode(DOORBELL), iso(now) -- here: most calls ring none
  local job = id .. '-' .. epoch .. '-' .. redis.call('HINCRBY', wf_key(group, id), 'rings', 1)
  local job_key, queue = 'rq:job:' .. job, 'drainbot-' .. group
  local data = cjson.encode({ doorbell.func, cjson.null, { group, id, epoch }, 0 })
  data = string.gsub(data, ',0%]$', ',{}]')
  local fields = { 'data', data, 'origin', queue, 'description', 'drainbot ' .. id,
    'created_at', at, 'enqueued_at', at }
  for field, value in pairs(doorbell.fields) do
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  redis.call('HSET', job_key, unpack(fields))
  redis.call('PEXPIRE', job_key, 3600000)
  redis.call('SADD', 'rq:queues', 'rq:queue:' .. queue)
  redis.call('RPUSH', 'rq:queue:' .. queue, job)
  redis.call('HSET', wf_key(group, id), 'job', job)
end

local function forget_lease(group, id)
  redis.call('ZREM', P(group) .. 'running', id)
  redis.call('HDEL', wf_key(group, id), 'owner')
end

-- A new epoch that any slot may take: whoever still runs the old one is fenced off from here on.
local function make_ready(group, id, kind)
  local key = wf_key(group, id)
  local lease = hget(key, 'lease')
  if hget(key, 'state') == 'running' and lease then redis.call('HSET', key, 'old_lease', lease) end
  local epoch = redis.call('HINCRBY', key, 'epoch', 1)
  redis.call('HSET', key, 'state', 'ready', 'nonce', '')
  redis.call('HDEL', key, 'yield')
  forget_lease(group, id)
  redis.call('ZREM', P(group) .. 'timers', 'yield|' .. id)
  redis.call('HDEL', P(group) .. 'watching', id)
  redis.call('ZADD', P(group) .. 'ready', now, id)
  ring(group, id, epoch)
  if kind then event(group, id, kind) end
end

local function step_get(group, id, step)
  local raw = hget(wf_key(group, id) .. ':steps', step)
  return raw and cjson.decode(raw) or nil
end

local function step_put(group, id, step, record)
  record.at = now
  redis.call('HSET', wf_key(group, id) .. ':steps', step, cjson.encode(record))
  redis.call('HSET', wf_key(group, id), 'barren', 0)
end

local function drop_notices(group, qid)
  for _, name in ipairs(cjson.decode(hget(P(group) .. 'q:' .. qid, 'notices') or '[]')) do
    redis.call('ZREM', P(group) .. 'timers', 'notice|' .. qid .. '|' .. name)
  end
end

-- Nobody joins a question any more that is over.
local function end_cause(group, qid)
  local causes, cause = P(group) .. 'causes', hget(P(group) .. 'q:' .. qid, 'cause')
  if cause and hget(causes, cause) == qid then redis.call('HDEL', causes, cause) end
end

-- The workflows that a question is about, in the order in which they came to it: {wf, key, left}.
-- Those that `left` wait for it no more.
local function members_of(group, qid)
  local f = redis.call('HMGET', P(group) .. 'q:' .. qid, 'members', 'wf', 'key')
  return f[1] and cjson.decode(f[1]) or { { wf = f[2], key = f[3] } }
end

-- What people are shown of one of them: a field of its own where they are several.
local function payload_field(key, id)
  local own = 'payload|' .. id
  return hget(key, own) and own or 'payload'
end

local function close_question(group, qid, why)
  local key = P(group) .. 'q:' .. qid
  if hget(key, 'state') ~= 'open' then return end
  end_cause(group, qid)
  redis.call('HSET', key, 'state', 'closed', 'closed_because', why, 'closed_at', now)
  redis.call('HINCRBY', key, 'version', 1)
  redis.call('ZREM', P(group) .. 'open', qid)
  audit(group, 'closed', hget(key, 'wf'), { question = qid, kind = hget(key, 'kind'), why = why })
  drop_notices(group, qid)
end

-- A workflow does not wait for a question any more: without others that do, it closes.
local function leave_question(group, qid, id, why)
  local key = P(group) .. 'q:' .. qid
  if hget(key, 'state') ~= 'open' then return end
  local members, first, was = members_of(group, qid), nil, false
  for _, member in ipairs(members) do
    if member.wf == id then
      was = was or not member.left
      member.left = true
    elseif not member.left then
      first = first or member
    end
  end
  if not was then return end
  if not first then return close_question(group, qid, why) end
  redis.call('HSET', key, 'members', cjson.encode(members), 'wf', first.wf, 'key', first.key)
  redis.call('HINCRBY', key, 'version', 1)
end

-- End a wait: record which of its parts fired, close the others. What asks its questions again closes
-- them with a reason of its own (`closes_as`); which questions they were stays known.
local function close_wait(group, id, wait, won, value, why)
  local questions
  for _, part in ipairs(wait.parts) do
    if part.name == won and part.closes_as then why = part.closes_as end
    if part.kind == 'question' then
      questions = questions or {}
      questions[part.name] = part.question
    end
  end
  for _, part in ipairs(wait.parts) do
    if part.kind == 'timer' then
      redis.call('ZREM', P(group) .. 'timers', 'wf|' .. id .. '|' .. wait.key .. '|' .. part.name)
    elseif part.kind == 'question' and part.name ~= won then
      leave_question(group, part.question, id, why or 'no_longer_needed')
    end
  end
  local status = 'ok'
  if won == '' then status = 'aborted' end
  step_put(group, id, wait.key, { fp = wait.fp, status = status, won = won, value = value,
    questions = questions })
  redis.call('HDEL', wf_key(group, id), 'wait')
end

local function child_results(ids)
  local found = {}
  for _, ref in ipairs(ids) do
    local group, id = string.match(ref, '^([^|]*)|(.*)$')
    local key = wf_key(group, id)
    local state = hget(key, 'state')
    if final(state) then
      found[#found + 1] = { ref = ref, state = state, result = hget(key, 'result') or 'null' }
    end
  end
  return found
end

-- Whether an open wait is decided, without a person or a timer: children that ended, or an abort.
local function try_close(group, id, wait)
  local key = wf_key(group, id)
  if wait.interruptible and hget(key, 'abort') then
    close_wait(group, id, wait, '', cjson.null, 'aborted')
    return true
  end
  for _, part in ipairs(wait.parts) do
    if part.kind == 'children' then
      local ended = 0
      for _, ref in ipairs(part.ids) do
        ended = ended + redis.call('SISMEMBER', key .. ':ended', ref)
      end
      if ended >= part.need then
        close_wait(group, id, wait, part.name, cjson.encode(child_results(part.ids)))
        return true
      end
    end
  end
  return false
end

local function open_wait(group, id)
  local raw = hget(wf_key(group, id), 'wait')
  return raw and cjson.decode(raw) or nil
end

local function find_part(wait, kind, field, value)
  for _, part in ipairs(wait and wait.parts or {}) do
    if part.kind == kind and part[field] == value then return part end
  end
end

-- The timers of an open wait that people may move, as they stand in `timers`.
local function movable_timers(group, id)
  local wait, found = open_wait(group, id), {}
  for _, part in ipairs(wait and wait.parts or {}) do
    local timer = part.kind == 'timer' and part.movable and 'wf|' .. id .. '|' .. wait.key .. '|' .. part.name
    if timer and redis.call('ZSCORE', P(group) .. 'timers', timer) then found[#found + 1] = timer end
  end
  return found
end

-- Something happened that a sleeping workflow may want to know: let it look.
local function wake(group, id, kind)
  local key = wf_key(group, id)
  if hget(key, 'state') ~= 'suspended' then return false end
  local wait = open_wait(group, id)
  if wait and not hget(key, 'yield') and not try_close(group, id, wait) then return false end
  make_ready(group, id, kind)
  return true
end

-- A failover may lose the last writes. An activation whose latest step (`latest`) is not there must
-- not add to what is left: another run takes the lost steps again.
local function forgotten()
  return a.latest and not hget(wf_key(a.group, a.id) .. ':steps', a.latest)
end

-- The caller's activation still owns the workflow: same epoch, same nonce, still running.
local function fenced()
  local f = redis.call('HMGET', wf_key(a.group, a.id), 'state', 'epoch', 'nonce')
  local ours = f[1] == 'running' and tonumber(f[2]) == a.epoch and f[3] == a.nonce
  return not ours or forgotten()
end

-- Show what the activation staged: its view, and new lines of its story.
local function publish()
  local key = wf_key(a.group, a.id)
  local changed = false
  if a.view then
    redis.call('HSET', key, 'view', a.view)
    changed = true
  end
  for _, line in ipairs(a.log or {}) do
    redis.call('RPUSH', key .. ':log', line)
    audit(a.group, 'told', a.id, {}, line)
    changed = true
  end
  return changed
end

-- Who froze the group, or nil. A thawed one leaves an empty text: clients may not delete.
local function frozen()
  local said = redis.call('GET', P(a.group) .. 'freeze')
  if said and said ~= '' then return said end
end

local function flags()
  local f = redis.call('HMGET', wf_key(a.group, a.id), 'abort', 'pause')
  return { abort = f[1] or '', pause = f[2] or '', freeze = frozen() }
end

-- A call with a nonce is carried out once; a repeat gets the same reply. A body that changed nothing
-- may return false beside its reply: nothing is kept then.
local function once(body)
  local key = P(a.group) .. 'once:' .. a.call
  local stored = redis.call('GET', key)
  if stored then return stored end
  local answer, changed = body()
  local reply = cjson.encode(answer)
  if changed ~= false then redis.call('SET', key, reply, 'PX', 600000) end
  return reply
end

-- Within one activation, the last reply is kept beside the workflow for the same purpose.
local function once_fenced(body)
  local key = wf_key(a.group, a.id)
  if hget(key, 'last_call') == a.call then return hget(key, 'last_reply') end
  if fenced() then return cjson.encode({ result = 'fenced' }) end
  local reply = cjson.encode(body())
  redis.call('HSET', key, 'last_call', a.call, 'last_reply', reply)
  return reply
end

local function start_workflow(s)
  local key = wf_key(s.group, s.id)
  redis.call('HSET', key, 'name', s.name, 'input', s.input, 'epoch', 0, 'state', 'new',
    'created', now, 'barren', 0, 'generation', 0, 'root', s.root, 'root_group', s.root_group)
  if s.parent then redis.call('HSET', key, 'parent', s.parent, 'parent_group', s.parent_group) end
  if s.abort and s.abort ~= '' then redis.call('HSET', key, 'abort', s.abort) end
  if s.pause and s.pause ~= '' then redis.call('HSET', key, 'pause', s.pause) end
  if s.view then redis.call('HSET', key, 'view', s.view) end
  if s.root == s.id then redis.call('ZADD', P(s.group) .. 'live', now, s.id) end
  make_ready(s.group, s.id, 'started')
end

-- Tell the parent, if it waits for this child.
local function child_ended(group, id)
  local f = redis.call('HMGET', wf_key(group, id), 'parent', 'parent_group')
  if not f[1] then return end
  redis.call('SADD', wf_key(f[2], f[1]) .. ':ended', group .. '|' .. id)
  local wait = open_wait(f[2], f[1])
  if wait then wake(f[2], f[1], 'child_ended') end
end

local function set_flag(group, id, flag, value)
  local key = wf_key(group, id)
  if final(hget(key, 'state')) then return end
  if value then redis.call('HSET', key, flag, value) else redis.call('HDEL', key, flag) end
  for _, ref in ipairs(redis.call('SMEMBERS', key .. ':children')) do
    local child_group, child = string.match(ref, '^([^|]*)|(.*)$')
    set_flag(child_group, child, flag, value)
  end
  if flag == 'abort' and hget(key, 'state') == 'stuck' then
    for _, qid in ipairs(redis.call('LRANGE', key .. ':questions', 0, -1)) do
      leave_question(group, qid, id, 'aborted')
    end
    redis.call('HSET', key, 'barren', 0, 'given_up', 1)
    make_ready(group, id, 'unstuck')
  end
  wake(group, id, nil)
end
