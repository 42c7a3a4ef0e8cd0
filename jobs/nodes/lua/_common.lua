-- Shared by the scripts of node records: it follows the core's common part.

-- ms that the record of a node that nobody owns stays: longer than any worker sleeps that might still
-- hold an older counter, and not for ever, since in some clusters no name comes twice.
local UNOWNED = 40 * 86400000

-- An operation that ended is kept while it owns a node: no longer, once it owns none.
local function forget_keep(operation)
  for _, name in ipairs(redis.call('SMEMBERS', P(a.group) .. 'owned')) do
    if hget(P(a.group) .. 'node:' .. name, 'owner') == operation then return end
  end
  redis.call('HDEL', wf_key(a.group, operation), 'keep')
end

local function let_go(name, operation)
  local key = P(a.group) .. 'node:' .. name
  redis.call('HSET', key, 'owner', '', 'holder', '', 'noted', '{}')
  redis.call('HDEL', key, 'before', 'tended', 'tender')
  redis.call('PEXPIRE', key, UNOWNED)
  redis.call('SREM', P(a.group) .. 'owned', name)
  forget_keep(operation)
end

-- What the event of a changed mode says. The record counts the changes of its node (mode_seq), so that
-- whoever follows them sees that it missed one; a repeat counts nothing. `change` is its stable name.
local function told(name, from, to, change)
  local key = P(a.group) .. 'node:' .. name
  local seq = redis.call('HINCRBY', key, 'mode_seq', from == to and 0 or 1)
  return 'node', name, 'uid', hget(key, 'uid'), 'from', from, 'to', to, 'seq', seq, 'change', change
end
