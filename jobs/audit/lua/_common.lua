-- Put in front of the scripts of the audit log, after the part that is common to all.
--
-- Keys, all below `drainbot:<group>:`
--   audit            list  the entries, in the order of the changes (written by `audit`)
--   audit:chain      list  the hash of each, see jobs/audit/chain.py
--   audit:of:<what>  list  the numbers of the entries about a node or an operation
local entries, chain = P(a.group) .. 'audit', P(a.group) .. 'audit:chain'
