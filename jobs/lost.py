"""A Redis that came back empty is told from a fresh start: by the marks on the cluster's nodes.

No marks of ours, or only marks that an operation stands behind: a fresh start, of which nothing is
said. Else whatever was under way has stopped for good, and its cordons stay until people undo them.
"""

from collections.abc import Iterable

import structlog

from jobs.activities.orphans import known_of, orphan_view
from jobs.beginnings import Beginnings
from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION
from jobs.drain.orphans import Holding, holding
from jobs.models import LostState
from jobs.resources import Resources

__all__ = ["look_for_loss"]

log = structlog.get_logger(__name__)


def look_for_loss(resources: Resources, nodes: Iterable[Node], *, now: int) -> LostState | None:
    """Let the state begin, with all nodes of the cluster as they are `now` (ms).

    Returns and stores what was lost, and says it in the log; None for a fresh start, and for a
    state that has begun before.
    """
    beginnings = Beginnings(resources.store)
    if beginnings.known():
        return None
    marked = [node for node in nodes if node.annotations.get(OPERATION)]  # few: Redis is asked
    left = [node for node in marked if holding(node, known_of(resources, node)) is Holding.ORPHAN]
    if not left:
        beginnings.begin(now, None)
        return None
    orphans = tuple(orphan_view(node, foreign=False) for node in left)
    lost = LostState(cluster=resources.store.group, at=now, orphans=orphans)
    beginnings.begin(now, lost)
    _say(lost)
    return lost


def _say(lost: LostState) -> None:
    for orphan in lost.orphans:
        log.error(
            "operation_was_lost", cluster=lost.cluster, node=orphan.node,
            operation=orphan.operation, since=orphan.since, requested_by=orphan.requested_by,
            reason=orphan.reason,
        )  # fmt: skip
    log.error(
        "state_was_lost", cluster=lost.cluster, nodes=len(lost.orphans),
        message="Redis came back empty: what was under way has stopped, its cordons are still on "
        "these nodes. List them with `drainbot orphans`, undo them with `drainbot orphans --undo`.",
    )  # fmt: skip
