-- Take a running workflow from an owner that is gone. Only a hint says so: safety is the fence.
-- a: group, id, epoch, nonce, call -> {result = 'reaped'|'stale'}
return once(function()
  if fenced() then return { result = 'stale' }, false end
  make_ready(a.group, a.id, 'reaped')
  redis.call('HINCRBY', P(a.group) .. 'counts', 'reaped', 1)
  return { result = 'reaped' }
end)
