-- Keep what the workers on a node know of its mode, if it is still in the place of what was read: two
-- workers of one node, or a person who clears a halt, never undo each other's word.
-- a: group, call, node, was ('': nothing was kept), life (JSON), ttl (ms), cleared = {by, why} of a
--    person who ends a halt with it, or absent; audit (JSON of the caller's, or absent)
-- Keys: host:<node>  string  the life (JSON), see jobs.workload.Life
-- -> {result = 'kept'|'another'}
return once(function()
  local key = P(a.group) .. 'host:' .. a.node
  if (redis.call('GET', key) or '') ~= a.was then return { result = 'another' }, false end
  redis.call('SET', key, a.life, 'PX', a.ttl)
  if a.cleared then
    audit(a.group, 'halt_cleared', '', { node = a.node, by = a.cleared.by, why = a.cleared.why }, a.audit)
  end
  return { result = 'kept' }
end)
