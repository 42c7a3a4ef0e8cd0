"""The audit log of a cluster: what was done, by whom, on what grounds; chained, and never cut.

The scripts that change something for people write an entry in the same call (`audit` in
jobs/durable/lua/_common.lua). One writer a cluster then links the entries with SHA-256, and says
the head of the chain where Redis can't take it back: in its log, and once a day in Slack.
"""

from jobs.audit.chain import Anchor, genesis, link
from jobs.audit.chainer import Chainer
from jobs.audit.diagnosis import Finding, Report, examine
from jobs.audit.facts import Facts
from jobs.audit.log import AuditLog, Head
from jobs.audit.stories import entry_of, of_node, of_operation, subjects, without_pods

__all__ = [
    "Anchor",
    "AuditLog",
    "Chainer",
    "Facts",
    "Finding",
    "Head",
    "Report",
    "entry_of",
    "examine",
    "genesis",
    "link",
    "of_node",
    "of_operation",
    "subjects",
    "without_pods",
]
