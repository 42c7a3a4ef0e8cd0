-- Abort, pause or resume a workflow and all its children, and wake whoever sleeps.
-- a: group, id, action = abort|pause|resume, by, reason, call, audit (JSON of the caller's, or absent)
-- -> {result = 'changed'|'unchanged'|'ended'|'unknown'}
return once(function()
  local key = wf_key(a.group, a.id)
  local state = hget(key, 'state')
  if not state then return { result = 'unknown' } end
  if final(state) then return { result = 'ended' } end
  local flag = a.action == 'abort' and 'abort' or 'pause'
  if (a.action == 'resume') == (not hget(key, flag)) then return { result = 'unchanged' } end
  local value = nil
  if a.action ~= 'resume' then
    value = cjson.encode({ by = a.by, at = now, reason = a.reason })
  end
  set_flag(a.group, a.id, flag, value)
  if flag == 'pause' then
    redis.call('RPUSH', key .. ':held', cjson.encode({ what = a.action, by = a.by, at = now, reason = a.reason }))
  end
  event(a.group, a.id, a.action)
  audit(a.group, a.action, a.id, { by = a.by, reason = a.reason }, a.audit)
  return { result = 'changed' }
end)
