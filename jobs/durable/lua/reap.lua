-- Take a running workflow from an owner that is gone. Only a hint says so: safety is the fence.
-- a: group, id, epoch, nonce -> {result = 'reaped'|'stale'}
if fenced() then return cjson.encode({ result = 'stale' }) end
make_ready(a.group, a.id, 'reaped')
return cjson.encode({ result = 'reaped' })
