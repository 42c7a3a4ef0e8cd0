-- Make, use or revoke a webhook: its document and what is written down of that, in one.
-- a: group, digest, was (its document as the caller read it; '' for a new one), document, keep (ms),
--    what (webhook_made|webhook_used|webhook_revoked), op, fields (by, question, choice, id), stale
--    (digests that may be left out of the list), audit (JSON of the caller's, or absent)
-- Keys: drainbot:bot:webhook:<digest>  string  the document; for a week beyond its end
--       webhooks  hash  digest -> when it ends (ms): those of a cluster
-- -> {result = 'ok' | 'changed'} ('changed': it is not as the caller read it; nothing was done)
local key = 'drainbot:bot:webhook:' .. a.digest
local known = redis.call('GET', key) or ''
if known == a.document then return cjson.encode({ result = 'ok' }) end -- a repeat
if known ~= a.was then return cjson.encode({ result = 'changed' }) end
redis.call('SET', key, a.document, 'PX', a.keep)
if known == '' then redis.call('HSET', P(a.group) .. 'webhooks', a.digest, a.ends) end
for _, digest in ipairs(a.stale or {}) do redis.call('HDEL', P(a.group) .. 'webhooks', digest) end
audit(a.group, a.what, a.op, a.fields, a.audit)
return cjson.encode({ result = 'ok' })
