"""Views of one question of several nodes, which one budget keeps waiting."""

from typing import Any

from jobs.models import (
    NodeStatus,
    OnNode,
    OperationView,
    PodRef,
    QuestionState,
    QuestionView,
    Settlement,
)
from tests.bot.messages import samples

AT = samples.T0 + 12 * samples.MINUTE
KEY = "all:0123456789abcdef"
DB_0 = PodRef(namespace="payments", name="db-0", uid="uid-db-0")
BLOCKS = (samples.BLOCK, samples.BLOCK.model_copy(update={"pod": DB_0}))
WHY = "payments/db-0 on node-18 can't move either, for the same budget"
NODE_18 = samples.NODE_17.model_copy(update={"name": "node-18", "uid": "n18", "pods_total": 20})


def joint(**changes: Any) -> QuestionView:
    """One question about a pod on each of two nodes."""
    fields: dict[str, Any] = {
        "id": "prod-eu-q-joint0000001",
        "node": "",
        "by_node": (
            OnNode(node="node-17", pods=(samples.DB_2,), pods_left=1, pods_total=21),
            OnNode(node="node-18", pods=(DB_0,), pods_left=1, pods_total=20),
        ),
        "blocks": BLOCKS,
        "pods_left": 2,
        "pods_total": 41,
        "opened_at": AT,
        "stop_at": AT + 60 * samples.MINUTE,
        "thread_key": KEY,
    }
    return samples.question(**{**fields, **changes})


FIRST = samples.question(
    state=QuestionState.CLOSED, closed_because="superseded", closed_at=AT,
    superseded_by=joint().id, superseded_because=WHY,
)  # fmt: skip
FORCED = joint(
    state=QuestionState.SETTLED,
    settled=Settlement(choice="force", by=(samples.BO, samples.CY), at=AT + samples.MINUTE),
)
ALL = tuple(f"node-{number}" for number in range(12))


def many() -> QuestionView:
    """A pod on each of a dozen nodes."""
    pods = [PodRef(namespace="payments", name=f"db-{n}", uid=f"u{n}") for n in range(len(ALL))]
    return joint(
        by_node=tuple(
            OnNode(node=node, pods=(pod,), pods_left=1, pods_total=9)
            for node, pod in zip(ALL, pods, strict=True)
        ),
        blocks=tuple(samples.BLOCK.model_copy(update={"pod": pod}) for pod in pods),
    )


def _operation(*questions: QuestionView) -> OperationView:
    return samples.operation(nodes=(samples.NODE_17, NODE_18), questions=questions, log=())


JOINT: dict[str, OperationView] = {
    "block_of_two_nodes": _operation(FIRST, joint()),
    "block_of_two_nodes_forced": _operation(FIRST, FORCED),
    "block_of_many_nodes": samples.operation(
        nodes=tuple(
            samples.NODE_17.model_copy(update={"name": name, "status": NodeStatus.BLOCKED})
            for name in ALL
        ),
        questions=(many(),),
        log=(),
    ),
}
