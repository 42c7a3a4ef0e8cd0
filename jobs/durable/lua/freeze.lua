-- Freeze a group: nobody is given leave any more (permit.lua). Or thaw it, and wake whoever rests. All
-- that is under way is told. Who froze it first stands; `freezes` keeps the freezes that are over.
-- a: group, on, by, reason, evidence, call, audit (JSON of the caller's, or absent)
-- -> {result = 'changed'|'unchanged', freeze (JSON: {by, at, reason, evidence}; absent: none)}
local function rouse(group, id)
  local key = wf_key(group, id)
  if hget(key, 'state') == 'suspended' and hget(key, 'yield') then make_ready(group, id, nil) end
  for _, ref in ipairs(redis.call('SMEMBERS', key .. ':children')) do
    local child_group, child = string.match(ref, '^([^|]*)|(.*)$')
    rouse(child_group, child)
  end
end

return once(function()
  local key = P(a.group) .. 'freeze'
  local known = frozen()
  if a.on == (known ~= nil) then return { result = 'unchanged', freeze = known } end
  local said = { by = a.by, at = now, reason = a.reason, evidence = a.evidence }
  local shown = cjson.encode(said)
  if a.on then
    redis.call('SET', key, shown)
  else
    redis.call('SET', key, '')
    redis.call('RPUSH', P(a.group) .. 'freezes', cjson.encode({ freeze = known, thaw = shown }))
    shown = known
  end
  audit(a.group, a.on and 'frozen' or 'thawed', '', { by = a.by, reason = a.reason }, a.audit)
  for _, id in ipairs(redis.call('ZREVRANGE', P(a.group) .. 'live', 0, -1)) do
    if not a.on then rouse(a.group, id) end
    event(a.group, id, a.on and 'frozen' or 'thawed')
  end
  return { result = 'changed', freeze = shown }
end)
