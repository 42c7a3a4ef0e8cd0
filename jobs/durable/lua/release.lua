-- Give a running workflow back: on SIGTERM at once (handover), after a crash when `after` is over.
-- a: group, id, epoch, nonce, call, after (ms; 0: at once), crash (why, in words; '' on handover),
--    stuck (a question for people, where trying again can't help: the code fits its history no more)
-- -> {result = 'ok'} | {result = 'fenced'}
return once_fenced(function()
  local key = wf_key(a.group, a.id)
  if a.crash ~= '' then
    redis.call('HSET', key, 'crash', a.crash)
  else
    redis.call('HINCRBY', key, 'barren', -1)
  end
  if a.stuck then
    park(a.group, a.id, a.stuck)
  elseif a.after > 0 then
    redis.call('HSET', key, 'state', 'suspended', 'yield', '{"until":' .. (now + a.after) .. '}')
    redis.call('ZADD', P(a.group) .. 'timers', now + a.after, 'yield|' .. a.id)
    forget_lease(a.group, a.id)
  else
    make_ready(a.group, a.id, nil)
  end
  event(a.group, a.id, a.crash ~= '' and 'crashed' or 'handed_over')
  return { result = 'ok' }
end)
