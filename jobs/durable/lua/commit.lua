-- Store the outcome of a step, once; publish what was staged with it.
-- a: group, id, epoch, nonce, call, step (absent: only publish), fp, status, value, view, log
-- -> {result = 'ok', abort, pause, at} | {result = 'fenced'} | {result = 'diverged', fp}
return once_fenced(function()
  if a.step then
    local old = step_get(a.group, a.id, a.step)
    if old then return { result = 'diverged', fp = old.fp } end
    step_put(a.group, a.id, a.step, { fp = a.fp, status = a.status, value = a.value })
  end
  if publish() then event(a.group, a.id, 'step') end
  local f = flags()
  f.result = 'ok'
  f.at = now
  return f
end)
