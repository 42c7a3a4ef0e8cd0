"""Give a node back that an operation left cordoned: our own cordon is undone, never another's."""

from typing import Any

from jobs.activities.cordon import undo_cordon
from jobs.durable import Context, StepFailed
from jobs.models import NodeStatus, OperationEnd, OperationState
from jobs.resources import Resources
from jobs.workflows.inputs import GiveBackInput


def give_back(ctx: Context[Resources], input: Any) -> Any:
    """Uncordon one node; its result is `{end, detail}` as an operation's."""
    wanted = GiveBackInput.model_validate(input)
    ctx.show({"state": OperationState.RUNNING, "plan": None, "statuses": {}})

    def take_over(node: str) -> Any:
        return ctx.resources.take_over(ctx.token, ctx.id, node, by=wanted.requester)

    taken = ctx.step("take-over", take_over, wanted.node)
    if taken["refused"]:
        return _end(ctx, wanted.node, OperationEnd.REFUSED, taken["refused"])
    try:
        undone = ctx.activity(
            "uncordon", undo_cordon, operation=ctx.id, node=wanted.node, uid=taken["uid"],
            even_if_evicted=True, by=wanted.requester, why="given back",
        )  # fmt: skip
    except StepFailed as failed:
        return _end(ctx, wanted.node, OperationEnd.FAILED, str(failed))
    if not undone["undone"]:
        return _end(ctx, wanted.node, OperationEnd.FAILED, undone["what"])
    if not undone["kept"]:
        ctx.log("uncordoned", node=wanted.node, why=undone["what"])
    return _end(ctx, wanted.node, OperationEnd.DRAINED, undone["what"])


def _end(ctx: Context[Resources], node: str, end: OperationEnd, detail: str) -> dict[str, str]:
    ctx.show(
        {
            "state": OperationState.ENDED,
            "plan": None,
            "statuses": {node: NodeStatus.SKIPPED},
            "end": end,
            "detail": detail,
        }
    )
    return {"end": end, "detail": detail}
