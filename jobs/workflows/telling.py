"""What is told in the cluster, step by step, of a node's drain: never in its way."""

from typing import Any

from jobs.activities.announcing import announce
from jobs.models import NodeStatus
from jobs.workflows.node_state import NodeDrain

_NAMED = 5  # pods that an Event names; the thread has all
# Told when it was confirmed, or given back; and of what is gone nothing is left.
_SILENT = {NodeStatus.DRAINED, NodeStatus.RETURNED, NodeStatus.GONE}


def tell_drained(node: NodeDrain) -> None:
    """Tell that a node is fenced and empty."""
    _tell(node, "drained", f"{node.pods['gone']} pods left it", wait=True)


def tell_blocked(node: NodeDrain, turn: int, detail: str, pods: list[str]) -> None:
    """Tell that people have to decide; the question does not wait for it."""
    more = f" and {len(pods) - _NAMED} more" if len(pods) > _NAMED else ""
    stuck = f"still there: {', '.join(pods[:_NAMED])}{more}" if pods else ""
    said = "; ".join(part for part in (detail, stuck) if part)
    _tell(node, "blocked", said, key=f"blocked:{node.rounds}", turn=f":{turn}")


def tell_end(node: NodeDrain, status: NodeStatus, detail: str) -> None:
    """Tell how it ended, where that was not told yet."""
    if status not in _SILENT:
        _tell(node, status.value, detail, wait=True)


def _tell(
    node: NodeDrain, stage: str, detail: str, *, key: str = "", turn: str = "", wait: bool = False
) -> None:
    arguments: dict[str, Any] = {
        "stage": stage, "detail": detail, "told_as": key, "wait": wait,
        "requested_by": node.drain.requester, "reason": node.drain.reason,
    }  # fmt: skip
    # Shielded: an abort that comes now must not turn the end that is told into another one.
    with node.ctx.shield():
        node.ctx.activity(f"tell:{stage}{turn}", announce, **node.common(), **arguments)
