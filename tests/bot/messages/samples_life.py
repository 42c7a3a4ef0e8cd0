"""Views of a node that is out of service and tended: maintenance, its way back, a lost fence."""

from typing import Any

from jobs.models import (
    LogEntry,
    NodeLife,
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionView,
)
from tests.bot.messages import samples
from tests.bot.messages.samples import MINUTE, T0

NODE = NodeView(name="node-17", status=NodeStatus.DRAINED)


def question(kind: QuestionKind, *choices: str, **fields: Any) -> QuestionView:
    return samples.question(
        kind=kind, choices=choices, blocks=(), pods_left=0, pods_total=0, stop_at=0,
        thread_key=f"node-17:{kind}", **fields,
    )  # fmt: skip


def tended(mode: str, **fields: Any) -> OperationView:
    life = {key: fields.pop(key) for key in ("until", "evidence", "away") if key in fields}
    return samples.operation(
        **{
            "state": OperationState.RUNNING,
            "plan": None,
            "questions": (),
            "log": (),
            "nodes": (NODE,),
            "life": NodeLife(mode=mode, since=T0, **life),
            **fields,
        }
    )


def maintenance(**fields: Any) -> QuestionView:
    return question(QuestionKind.MAINTENANCE, "return", **fields)


LOST = question(
    QuestionKind.FENCE_LOST, "drain_again", "declare_valid", "give_back",
    detail="somebody uncordoned it; shop/web-1 landed on it",
)  # fmt: skip

LIVES: dict[str, OperationView] = {
    "life_maintenance": tended(
        "maintenance",
        until=T0 + 120 * MINUTE,
        questions=(maintenance(),),
        log=(
            LogEntry(
                key="1", what="maintenance_started", at=T0, node="node-17",
                fields={"by": samples.ANA, "until": T0 + 120 * MINUTE},
            ),
        ),
    ),
    "life_overdue": tended(
        "maintenance", until=T0 + 10 * MINUTE, questions=(maintenance(reminded=("remind",)),)
    ),
    "life_returning": tended("returning"),
    "life_not_back": tended(
        "returning",
        questions=(
            question(
                QuestionKind.NOT_BACK, "retry", "go_on", "maintenance",
                detail="it is not Ready; it has 2 cpu for pods, and had 4",
            ),
        ),
    ),
    "life_fence_lost": tended("fence_lost", evidence=LOST.detail, questions=(LOST,)),
    "life_back": tended(
        "accepting",
        away=95 * MINUTE,
        state=OperationState.ENDED,
        end=OperationEnd.DRAINED,
        detail="our cordon is undone",
        ended_at=T0 + 95 * MINUTE,
        log=(
            LogEntry(
                key="1", what="returned", at=T0, node="node-17",
                fields={"by": samples.ANA, "away": 95 * MINUTE, "why": "our cordon is undone"},
            ),
        ),
    ),
    "life_valid": tended(
        "drained",
        state=OperationState.ENDED,
        end=OperationEnd.DRAINED,
        detail=f"declared valid by {samples.BO}",
        ended_at=T0 + 5 * MINUTE,
    ),
    "life_gone": tended(
        "fence_lost",
        nodes=(NODE.model_copy(update={"status": NodeStatus.GONE}),),
        evidence="another node has its name now",
        state=OperationState.ENDED,
        end=OperationEnd.FAILED,
        detail="another node has its name now",
        ended_at=T0 + 5 * MINUTE,
    ),
}  # fmt: skip
