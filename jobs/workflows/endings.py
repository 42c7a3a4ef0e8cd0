"""How the drain of a node ends, other than by going on; and how a node is let go of."""

from collections.abc import Mapping
from typing import Any

from jobs.activities.cordon import undo_cordon
from jobs.durable import StepFailed
from jobs.models import NodeStatus
from jobs.workflows import choices
from jobs.workflows.aborting import abort_operation
from jobs.workflows.node_state import NodeDrain
from jobs.workflows.telling import tell_end

_ANY_MODE = ("accepting", "draining", "drained", "fence_lost")


def unanswered(node: NodeDrain) -> Any:
    """End because nobody answered a question."""
    node.log("stopped")
    return end(node, NodeStatus.STOPPED, "nobody answered; the cordon stays")


def leave(node: NodeDrain, turn: str, settled: Mapping[str, Any]) -> Any:
    """End because a person answered a question with skip or abort."""
    if settled["choice"] == choices.SKIP:
        by = ", ".join(settled["by"])
        node.log("skipped", by=by)
        with node.ctx.shield():
            return give_up(node, NodeStatus.SKIPPED, f"skipped by {by}")
    abort_operation(node.ctx, f"abort:{turn}", node.drain.operation, settled)
    with node.ctx.shield():
        return give_up(node, NodeStatus.ABORTED)


def give_up(node: NodeDrain, status: NodeStatus, detail: str = "") -> Any:
    """Leave the node: our own cordon is undone if nothing was evicted, else all stays visible."""
    try:
        undone = node.ctx.activity(
            "give-up", undo_cordon, **node.common(), even_if_evicted=False,
            by=node.drain.requester, why=status.value,
        )  # fmt: skip
    except StepFailed as failed:
        node.log("failed", why=str(failed))
        let_go(node)
        return end(node, status, f"{detail}; {failed}" if detail else str(failed))
    node.evicted_any = node.evicted_any or undone["evicted"]
    if not undone["kept"]:
        node.log("uncordoned", why=undone["what"])
    return end(node, status, detail, cordon_kept=undone["kept"])


def gone(node: NodeDrain, detail: str) -> Any:
    """End with a node that is not there any more."""
    node.log("gone", why=detail)
    _release(node, came_from=_ANY_MODE, to="gone")
    return end(node, NodeStatus.GONE, detail)


def let_go(node: NodeDrain) -> None:
    """Let go of a node that was never cordoned; one that was stays owned and visible."""
    _release(node, came_from=("accepting",), to="accepting")


def _release(node: NodeDrain, *, came_from: tuple[str, ...], to: str) -> None:
    def release(name: str, mode: str) -> None:
        node.ctx.resources.nodes.change(
            node.ctx.token, node.drain.operation, name, came_from=came_from, to=mode,
            release=True, by=node.drain.requester, why=mode,
        )  # fmt: skip

    with node.ctx.shield():
        node.ctx.step("release", release, node.drain.node, to)


def end(node: NodeDrain, status: NodeStatus, detail: str = "", **more: Any) -> dict[str, Any]:
    """Show the end, and return it as the workflow's result."""
    node.show(status, detail, ended_at=node.ctx.now(), **more)
    tell_end(node, status, detail)
    return {"status": status, "detail": detail}
