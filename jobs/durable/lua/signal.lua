-- Tell a workflow that something outside happened. Nobody waits for it: nothing happens, because
-- whoever begins to wait registers first and looks then.
-- a: group, id, signal, value, call -> {result = 'woken'|'ignored'}
return once(function() -- a repeat that comes late must not end the next wait for the same signal
  local wait, key = open_wait(a.group, a.id), wf_key(a.group, a.id)
  if hget(key, 'state') ~= 'suspended' then return { result = 'ignored' }, false end
  if hget(key, 'yield') then
    make_ready(a.group, a.id, nil)
    return { result = 'woken' }
  end
  local part = find_part(wait, 'signal', 'signal', a.signal)
  if not part then return { result = 'ignored' }, false end
  close_wait(a.group, a.id, wait, part.name, a.value)
  make_ready(a.group, a.id, 'signalled')
  return { result = 'woken' }
end)
