-- Start a root workflow; the same dedup key never starts a second one.
-- a: group, id, name, input, hash, dedup, view, call, audit (JSON of the caller's, or absent)
-- -> {result = 'started' | 'duplicate' | 'conflict' | 'taken', id}
--    conflict: the dedup key was used for other content; taken: the id exists, choose another
return once(function()
  local dedup = P(a.group) .. 'dedup:' .. a.dedup
  local known = redis.call('GET', dedup)
  if known then
    local same = hget(wf_key(a.group, known), 'hash')
    if same and same ~= a.hash then return { result = 'conflict', id = known } end
    return { result = 'duplicate', id = known }
  end
  if redis.call('EXISTS', wf_key(a.group, a.id)) == 1 then return { result = 'taken', id = a.id } end
  redis.call('SET', dedup, a.id, 'PX', 86400000)
  redis.call('HSET', wf_key(a.group, a.id), 'hash', a.hash)
  start_workflow({ group = a.group, id = a.id, name = a.name, input = a.input, view = a.view,
    root = a.id, root_group = a.group })
  audit(a.group, 'started', a.id, { name = a.name }, a.audit)
  return { result = 'started', id = a.id }
end)
