-- Asking: shared by every script, after _common.lua.

-- The workflows that wait for a question, where they are several.
local function wfs_of(group, qid)
  local found = {}
  for _, member in ipairs(members_of(group, qid)) do
    if not member.left then found[#found + 1] = member.wf end
  end
  return #found > 1 and found or nil
end

-- Whether a question was this workflow's, and no other one waits for it.
local function asked_by(group, qid, id)
  local was, others = false, false
  for _, member in ipairs(members_of(group, qid)) do
    was = was or member.wf == id
    others = others or member.wf ~= id and not member.left
  end
  return was and not (others and hget(P(group) .. 'q:' .. qid, 'state') == 'open')
end

local function supersede(group, old, new, because)
  local key = P(group) .. 'q:' .. old
  close_question(group, old, 'superseded') -- in case that it is still open
  redis.call('HSET', key, 'superseded_by', new, 'superseded_because', because or '')
  redis.call('HINCRBY', key, 'version', 1)
end

-- Ask one question of all that one cause keeps waiting: where one about it is open in the operation,
-- the new one takes its place, and whoever waits for that waits for this.
local function join(group, id, key, q, root)
  local causes, cause, qkey = P(group) .. 'causes', root .. '|' .. q.cause, P(group) .. 'q:' .. q.id
  local old = hget(causes, cause)
  local members = {}
  for _, member in ipairs(old and members_of(group, old) or {}) do
    local wait = open_wait(group, member.wf)
    local part = not member.left and find_part(wait, 'question', 'question', old)
    if part and member.wf ~= id then
      local old_key = P(group) .. 'q:' .. old
      redis.call('HSET', qkey, 'payload|' .. member.wf, hget(old_key, payload_field(old_key, member.wf)))
      part.question = q.id
      redis.call('HSET', wf_key(group, member.wf), 'wait', cjson.encode(wait))
      members[#members + 1] = member
    end
  end
  if #members > 0 then redis.call('HSET', qkey, 'payload|' .. id, q.payload) end
  members[#members + 1] = { wf = id, key = key }
  redis.call('HSET', qkey, 'cause', cause, 'members', cjson.encode(members), 'wf', members[1].wf,
    'key', members[1].key)
  redis.call('HSET', causes, cause, q.id)
  if #members > 1 then return old end
end

local function ask(group, id, key, q)
  local qkey, root = P(group) .. 'q:' .. q.id, hget(wf_key(group, id), 'root') or id
  redis.call('HSET', qkey, 'wf', id, 'key', key, 'state', 'open', 'kind', q.kind,
    'payload', q.payload, 'choices', q.choices, 'votes_needed', q.votes_needed or '{}',
    'opened_at', now, 'stop_at', q.stop_after and now + q.stop_after or 0, 'votes', '[]', 'waits', '[]', 'reminded', '[]',
    'version', 1, 'root', root)
  if q.roles_needed then redis.call('HSET', qkey, 'roles_needed', q.roles_needed) end
  local names, after = {}, {}
  for _, notice in ipairs(q.notices or {}) do
    names[#names + 1] = notice.name
    after[notice.name] = notice.after
    redis.call('ZADD', P(group) .. 'timers', now + notice.after, 'notice|' .. q.id .. '|' .. notice.name)
  end
  redis.call('HSET', qkey, 'notices', #names > 0 and cjson.encode(names) or '[]')
  if #names > 0 then redis.call('HSET', qkey, 'notices_after', cjson.encode(after)) end
  local supersedes, because = nil, q.because
  if q.supersedes and asked_by(group, q.supersedes, id) then
    supersedes = q.supersedes
    supersede(group, supersedes, q.id, because)
  end
  local joined = q.cause and join(group, id, key, q, root)
  if joined then
    supersedes, because = joined, q.joins
    supersede(group, joined, q.id, because)
  end
  redis.call('ZADD', P(group) .. 'open', now, q.id)
  redis.call('RPUSH', wf_key(group, id) .. ':questions', q.id)
  audit(group, 'asked', id, { question = q.id, kind = q.kind, supersedes = supersedes,
    because = supersedes and because, of = wfs_of(group, q.id) })
end

-- One question, one stop: whoever joined it begins the time anew for all, and what people have added
-- to it by then counts for all.
local function align_stops(group, qid)
  local key, timers = P(group) .. 'q:' .. qid, P(group) .. 'timers'
  local found, latest = {}, 0
  for _, member in ipairs(members_of(group, qid)) do
    for _, timer in ipairs(member.left and {} or movable_timers(group, member.wf)) do
      found[#found + 1] = timer
      latest = math.max(latest, tonumber(redis.call('ZSCORE', timers, timer)))
    end
  end
  if #found < 2 then return end
  for _, timer in ipairs(found) do redis.call('ZADD', timers, latest, timer) end
  if tonumber(hget(key, 'stop_at')) > 0 then redis.call('HSET', key, 'stop_at', latest) end
end

-- Stop for a person: the workflow fails again and again, or no longer fits its history.
local function park(group, id, q)
  redis.call('HSET', wf_key(group, id), 'state', 'stuck')
  forget_lease(group, id)
  ask(group, id, '', q)
  event(group, id, 'stuck')
end
