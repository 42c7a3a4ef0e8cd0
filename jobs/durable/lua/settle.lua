-- Answer a question: counts at most once, for all who wait for it, and the loser learns who won.
--
-- A choice needs a number of votes, or so many votes of each of some roles. Each voter fills one role,
-- of those that they may fill; which one is left open until the last place is taken. `*` is any role.
-- a: group, question, choice, by, note, evidence, call, audit (JSON of the caller's, or absent),
--    roles (that this vote may fill; absent: any), voters (who voted so before -> the roles that
--    they may fill today; absent: as they voted)
-- Whoever waits for it gets {choice, by, at, note}, and where they are several `of`, which they are.
-- -> {result = 'settled'|'voted'|'already_voted'|'already_settled'|'closed'|'unknown'|'not_a_choice'}
local key = P(a.group) .. 'q:' .. a.question
local state = hget(key, 'state')
if not state then return cjson.encode({ result = 'unknown' }) end
local votes = cjson.decode(hget(key, 'votes'))
for _, vote in ipairs(votes) do -- a repeat of a call that counted is answered as it was
  if vote.call == a.call then return cjson.encode({ result = vote.result }) end
end
if state == 'settled' then return cjson.encode({ result = 'already_settled' }) end
if state == 'closed' then return cjson.encode({ result = 'closed' }) end
local known = false
for _, choice in ipairs(cjson.decode(hget(key, 'choices'))) do known = known or choice == a.choice end
if not known then return cjson.encode({ result = 'not_a_choice' }) end

local function may_fill(roles, role)
  for _, known in ipairs(roles) do
    if known == '*' or known == role then return true end
  end
  return false
end

-- Whether each place has a voter of its own: augmenting paths, since places and voters are few.
local function all_filled(places, voters)
  local placed = {}
  local function seat(place, tried)
    for voter, roles in ipairs(voters) do
      if not tried[voter] and may_fill(roles, places[place]) then
        tried[voter] = true
        if not placed[voter] or seat(placed[voter], tried) then
          placed[voter] = place
          return true
        end
      end
    end
    return false
  end
  for place = 1, #places do
    if not seat(place, {}) then return false end
  end
  return true
end

local places = {}
local by_role = cjson.decode(hget(key, 'roles_needed') or '{}')[a.choice]
  or { ['*'] = cjson.decode(hget(key, 'votes_needed'))[a.choice] or 1 }
for role, number in pairs(by_role) do
  for _ = 1, number do places[#places + 1] = role end
end
local by, voters = { a.by }, { a.roles or { '*' } }
for _, vote in ipairs(votes) do
  if vote.choice == a.choice then
    if vote.by == a.by then return cjson.encode({ result = 'already_voted' }) end
    local roles = a.voters and a.voters[vote.by] or vote.roles or { '*' }
    if #roles > 0 then -- whoever may not any more does not count
      by[#by + 1] = vote.by
      voters[#voters + 1] = roles
    end
  end
end
local result = all_filled(places, voters) and 'settled' or 'voted'
votes[#votes + 1] = { choice = a.choice, by = a.by, at = now, note = a.note, call = a.call,
  result = result, evidence = a.evidence, roles = a.roles }
redis.call('HSET', key, 'votes', cjson.encode(votes))
redis.call('HINCRBY', key, 'version', 1)
local id = hget(key, 'wf')
audit(a.group, 'vote', id, { question = a.question, kind = hget(key, 'kind'), choice = a.choice,
  by = a.by, note = a.note, result = result, of = wfs_of(a.group, a.question), asked_at = tonumber(hget(key, 'opened_at')),
  counted = result == 'settled' and by or nil }, a.audit)
if result == 'voted' then
  event(a.group, id, 'voted')
  return cjson.encode({ result = result })
end

local winner = cjson.encode({ choice = a.choice, by = by, at = now, note = a.note,
  of = wfs_of(a.group, a.question) })
redis.call('HSET', key, 'state', 'settled', 'winner', winner)
redis.call('ZREM', P(a.group) .. 'open', a.question)
end_cause(a.group, a.question)
drop_notices(a.group, a.question)
event(a.group, id, 'settled')
if hget(wf_key(a.group, id), 'state') == 'stuck' and hget(key, 'kind') == 'stuck' then
  local value = cjson.encode({ by = a.by, at = now, reason = a.note })
  if a.choice == 'abort' then
    set_flag(a.group, id, 'abort', value)
  else
    -- To start again is for whoever takes it: a client may not delete.
    if a.choice == 'restart' then redis.call('HSET', wf_key(a.group, id), 'restart', value) end
    redis.call('HSET', wf_key(a.group, id), 'barren', 0)
    make_ready(a.group, id, 'unstuck')
  end
  return cjson.encode({ result = result })
end
for _, member in ipairs(members_of(a.group, a.question)) do
  local waits = open_wait(a.group, member.wf)
  local part = find_part(waits, 'question', 'question', a.question)
  if part then
    close_wait(a.group, member.wf, waits, part.name, winner)
    -- Suspended: wake it. Running or ready: it finds the answer when it asks to suspend.
    if hget(wf_key(a.group, member.wf), 'state') == 'suspended' then make_ready(a.group, member.wf, nil) end
  end
end
return cjson.encode({ result = result })
