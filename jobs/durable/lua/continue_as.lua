-- Begin again with a fresh history and a carried state, under the same id.
-- a: group, id, epoch, nonce, call, input, view, log
return once_fenced(function()
  local key = wf_key(a.group, a.id)
  publish()
  redis.call('DEL', key .. ':steps')
  redis.call('HSET', key, 'input', a.input, 'barren', 0,
    'log_base', redis.call('LLEN', key .. ':log'))
  redis.call('HINCRBY', key, 'generation', 1)
  make_ready(a.group, a.id, 'continued')
  return { result = 'ok' }
end)
