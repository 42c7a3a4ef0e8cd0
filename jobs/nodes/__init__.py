"""Node records: who owns a node, in which mode it is, and under which counter it may be written.

One record per (cluster, node name, node uid). Its counter is the fencing token that stands in the
node's annotation too.
"""

from jobs.nodes.store import (
    Adopted,
    Changed,
    Claimed,
    Lost,
    NodeRecord,
    NodeStore,
    Reservation,
    Reserved,
    Taken,
    TooMany,
    WrongMode,
)
from jobs.nodes.words import taken_words

__all__ = [
    "Adopted",
    "Changed",
    "Claimed",
    "Lost",
    "NodeRecord",
    "NodeStore",
    "Reservation",
    "Reserved",
    "Taken",
    "TooMany",
    "WrongMode",
    "taken_words",
]
