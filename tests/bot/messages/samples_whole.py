"""Views of operations that wait for each node's maintenance and return it: `--then=wait`."""

from typing import Any

from jobs.models import (
    DrainOptions,
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
from tests.bot.messages.samples_life import question

WAIT = DrainOptions(then="wait", expected=7200)
SECOND = NodeView(name="node-18")


def node(status: NodeStatus, mode: str, name: str = "node-17", **fields: Any) -> NodeView:
    life = {key: fields.pop(key) for key in ("until", "evidence", "away") if key in fields}
    drained = {
        "status": status, "name": name, "pods_gone": 21, "waiting_for": (),
        "safe_to_power_off": status in {NodeStatus.MAINTENANCE, NodeStatus.DRAINED},
        "cordon_kept": status is not NodeStatus.RETURNED,
        "life": NodeLife(mode=mode, since=T0 + 8 * MINUTE, **life),
    }  # fmt: skip
    return samples.NODE_17.model_copy(update={**drained, **fields})


def under_maintenance(**fields: Any) -> QuestionView:
    choices = ("return", "keep_out", "abort")
    return question(QuestionKind.MAINTENANCE, *choices, detail="disk swap, INC-4711", **fields)


def back(name: str, minutes: int) -> NodeView:
    away = minutes * MINUTE
    return node(
        NodeStatus.RETURNED, "accepting", name, away=away, ended_at=T0 + 50 * MINUTE
    )  # fmt: skip


WHOLE: dict[str, OperationView] = {
    "whole_start": samples.operation(
        state=OperationState.CONFIRMING, options=WAIT, questions=(samples.start(),), log=()
    ),
    "whole_maintenance": samples.operation(
        options=WAIT,
        nodes=(node(NodeStatus.MAINTENANCE, "maintenance", until=T0 + 128 * MINUTE), SECOND),
        questions=(under_maintenance(),),
        log=(),
    ),
    "whole_overdue": samples.operation(
        options=WAIT,
        nodes=(node(NodeStatus.MAINTENANCE, "maintenance", until=T0 + 10 * MINUTE), SECOND),
        questions=(under_maintenance(reminded=("remind",)),),
        log=(),
    ),
    "whole_fence_lost": samples.operation(
        options=WAIT,
        nodes=(
            node(NodeStatus.FENCE_LOST, "fence_lost", evidence="somebody uncordoned it"),
            SECOND,
        ),
        questions=(
            question(
                QuestionKind.FENCE_LOST, "drain_again", "declare_valid", "give_back", "abort",
                detail="somebody uncordoned it",
            ),
        ),
        log=(),
    ),
    "whole_returning": samples.operation(
        options=WAIT,
        nodes=(node(NodeStatus.RETURNING, "returning"), SECOND),
        questions=(),
        log=(),
    ),
    "whole_unwell": samples.operation(
        options=WAIT,
        nodes=(back("node-17", 42), SECOND),
        questions=(
            question(
                QuestionKind.UNWELL, "retry", "go_on", "wait", "abort", detail="can't be told"
            ),
        ),
        log=(),
    ),
    "whole_done": samples.ended(
        options=WAIT,
        nodes=(back("node-17", 42), back("node-18", 31)),
        questions=(),
        ended_at=T0 + 80 * MINUTE,
        log=(
            LogEntry(
                key="1", what="ended", at=T0 + 80 * MINUTE,
                fields={"drained": 2, "of": 2, "returned": 2},
            ),
        ),
    ),
    "whole_left_out": samples.ended(
        options=WAIT,
        end=OperationEnd.PARTLY,
        nodes=(
            node(
                NodeStatus.DRAINED, "maintenance", detail=f"left in maintenance by {samples.BO}",
                ended_at=T0 + 50 * MINUTE,
            ),
            back("node-18", 31),
        ),
        questions=(),
        log=(
            LogEntry(
                key="1", what="kept_out", at=T0 + 50 * MINUTE, node="node-17",
                fields={"by": samples.BO},
            ),
        ),
    ),
    "whole_aborted": samples.ended(
        options=WAIT,
        end=OperationEnd.ABORTED,
        nodes=(
            node(
                NodeStatus.DRAINED, "maintenance", detail="aborted while it was in maintenance",
                ended_at=T0 + 50 * MINUTE,
            ),
            SECOND.model_copy(update={"status": NodeStatus.ABORTED}),
        ),
        aborted_by=samples.BO,
        aborted_reason="wrong rack",
        questions=(),
        log=(),
    ),
}  # fmt: skip
