"""A person attests that a node is dead: mark it, and let Kubernetes end its pods."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.activities.dead import declare_dead, wait_for_the_dead
from jobs.durable import StepFailed
from jobs.models import NodeStatus
from jobs.workflows.endings import gone
from jobs.workflows.node_state import NodeDrain


def bury(node: NodeDrain, turn: int, stuck: Sequence[Mapping[str, Any]], *, by: str) -> Any:
    """Mark the node as out of service and wait a while for its pods; its end, or None to go on.

    `stuck` are those that would not stop.

    Where it must not be marked (it is Ready again, say) that is told, and asked about anew.
    """
    ctx = node.ctx
    try:
        declared = ctx.activity(f"dead:{turn}", declare_dead, **node.common())
    except StepFailed as failed:
        declared = {"result": "refused", "detail": str(failed)}
    if declared["result"] == "gone":
        return gone(node, declared["detail"])
    if declared["result"] == "refused":
        node.log("not_dead", why=declared["detail"])
        return None
    node.log("node_is_dead", by=by)
    node.show(NodeStatus.DRAINING)
    slack = node.drain.requirements.terminating_slack
    ctx.activity(
        f"dead-pods:{turn}", wait_for_the_dead, **node.common(),
        pods=[each["pod"] for each in stuck],
        until=ctx.now() + int(slack * 1000),
    )  # fmt: skip
    return None
