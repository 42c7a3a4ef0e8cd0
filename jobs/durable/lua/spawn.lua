-- Start a child and store that as a step of its parent, in one.
-- a: group, id, epoch, nonce, call, step, fp, child = {group, id, name, input, view}, view, log
-- -> {result = 'ok', at, abort, pause} | {result = 'fenced'} | {result = 'diverged', fp}
return once_fenced(function()
  local key, child = wf_key(a.group, a.id), a.child
  local old = step_get(a.group, a.id, a.step)
  if old then return { result = 'diverged', fp = old.fp } end
  local f = flags() -- a child of an aborted or paused parent is born so
  redis.call('SADD', key .. ':children', child.group .. '|' .. child.id)
  start_workflow({ group = child.group, id = child.id, name = child.name, input = child.input,
    view = child.view, root = hget(key, 'root'), root_group = hget(key, 'root_group'),
    parent = a.id, parent_group = a.group, abort = f.abort, pause = f.pause })
  step_put(a.group, a.id, a.step, { fp = a.fp, status = 'ok',
    value = cjson.encode({ group = child.group, id = child.id }) })
  publish()
  f.result = 'ok'
  f.at = now
  return f
end)
