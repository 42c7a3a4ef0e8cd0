"""Which cordons are ours and belong to no operation any more, as after Redis was emptied; pure."""

from dataclasses import dataclass
from enum import StrEnum

from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION, WAS_CORDONED


class Holding(StrEnum):
    """Whose a node is that carries the mark of an operation."""

    NOBODY = "nobody"  # it carries no mark of drainbot's
    ORPHAN = "orphan"
    AT_WORK = "at_work"  # its operation has not ended, or another one is at work on it
    KEPT = "kept"  # an operation that has ended keeps it, visibly: `uncordon` gives it back
    FOREIGN = "foreign"  # the mark is that of another drainbot: its Redis knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What Redis knows of the operation that a node names, and of the node.

    `ours`: its id is one of this cluster's; `owner` is who has the record of this very node (its
    uid), and `owner_live` whether that is at work.
    """

    ours: bool
    exists: bool = False
    live: bool = False
    owner: str = ""
    owner_live: bool = False


def holding(node: Node, known: Known) -> Holding:
    """Say whose a node is; only an orphan may be undone."""
    operation = node.annotations.get(OPERATION, "")
    if not operation:
        return Holding.NOBODY
    if not known.ours:
        return Holding.FOREIGN
    if known.live or known.owner_live:
        return Holding.AT_WORK
    if known.owner and (known.exists or known.owner != operation):
        return Holding.KEPT
    return Holding.ORPHAN


def cordoned_before(node: Node) -> bool:
    """Whether its cordon stays when its marks go: it was there before us, or that can't be told."""
    return node.unschedulable and node.annotations.get(WAS_CORDONED) != "false"
