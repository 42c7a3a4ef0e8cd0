-- Tell a workflow that something outside happened. Nobody waits for it: nothing happens, because
-- whoever begins to wait registers first and looks then.
-- a: group, id, signal, value -> {result = 'woken'|'ignored'}
local wait, key = open_wait(a.group, a.id), wf_key(a.group, a.id)
local part = find_part(wait, 'signal', 'signal', a.signal)
if part and not hget(key, 'yield') then
  if hget(key, 'state') ~= 'suspended' then return cjson.encode({ result = 'ignored' }) end
  close_wait(a.group, a.id, wait, part.name, a.value)
  make_ready(a.group, a.id, 'signalled')
  return cjson.encode({ result = 'woken' })
end
if hget(key, 'state') == 'suspended' and hget(key, 'yield') then
  make_ready(a.group, a.id, nil)
  return cjson.encode({ result = 'woken' })
end
return cjson.encode({ result = 'ignored' })
