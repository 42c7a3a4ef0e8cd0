"""What the life of a node out of service remembers and shows."""

from dataclasses import dataclass
from typing import Any

from jobs.drain.fleet import left_in
from jobs.durable import Context
from jobs.models import NodeLife, NodeStatus, OperationEnd, OperationState
from jobs.resources import Resources
from jobs.workflows.inputs import LifeInput

Ctx = Context[Resources]
_STATUS = {
    "drained": NodeStatus.DRAINED,
    "maintenance": NodeStatus.MAINTENANCE,
    "returning": NodeStatus.RETURNING,
    "fence_lost": NodeStatus.FENCE_LOST,
}
_EMPTY = frozenset({NodeStatus.DRAINED, NodeStatus.MAINTENANCE})


@dataclass
class NodeLifeState:
    """The workflow's own memory: rebuilt by each replay.

    `by` is whoever chose last, `kept` whether a cordon of somebody else's stayed at its return; the
    rest is what :class:`jobs.models.NodeLife` shows.
    """

    ctx: Ctx
    wanted: LifeInput
    by: str
    mode: str = ""
    since: int = 0
    until: int = 0
    evidence: str = ""
    away: int = 0
    kept: bool = False

    @property
    def is_part(self) -> bool:
        """Whether it is a part of an operation, which goes on with other nodes after it."""
        return bool(self.wanted.operation)

    @property
    def operation(self) -> str:
        """The operation that has the node."""
        return self.wanted.operation or self.ctx.id

    def show(self, state: OperationState = OperationState.RUNNING, **ended: Any) -> None:
        """Show how the node is tended."""
        status = ended.pop("status", NodeStatus.DRAINED)
        if self.is_part:
            self.show_node(_STATUS.get(self.mode, NodeStatus.DRAINED))
            return
        self.ctx.show(
            {
                "state": state,
                "plan": None,
                "statuses": {self.wanted.node: status},
                "life": self.life(),
                **ended,
            }
        )

    def show_node(self, status: NodeStatus, detail: str = "", **more: Any) -> None:
        """Show the node as one of its operation's."""
        safe = status in _EMPTY and bool(self.wanted.shown.get("safe_to_power_off"))
        facts = {"name": self.wanted.node, "uid": self.wanted.uid, "ended_at": 0}
        self.ctx.show(
            {
                **self.wanted.shown, **facts, "status": status, "detail": detail,
                "safe_to_power_off": safe, "life": self.life(), **more,
            }
        )  # fmt: skip

    def life(self) -> dict[str, Any]:
        """Return what readers see of how it is tended."""
        shown = NodeLife(
            mode=self.mode or self.wanted.begin,
            since=self.since,
            until=self.until,
            evidence=self.evidence or self.wanted.evidence,
            away=self.away,
        )
        return shown.model_dump(mode="json")

    def end(
        self, end: OperationEnd, detail: str = "", *, status: NodeStatus = NodeStatus.DRAINED
    ) -> dict[str, Any]:
        """Show the end; returns the workflow's result."""
        if self.is_part:
            return self._end_part(end, detail, status)
        self.show(OperationState.ENDED, end=end, detail=detail, status=status)
        return {"end": end, "detail": detail}

    def _end_part(self, end: OperationEnd, detail: str, status: NodeStatus) -> dict[str, Any]:
        if end is OperationEnd.ABORTED:
            status = left_in(self.mode)
            detail = f"aborted while it was {_words(self.mode)}"  # the reason is its operation's
        elif end is not OperationEnd.DRAINED and status is not NodeStatus.GONE:
            status = NodeStatus.FAILED
        self.show_node(status, detail, ended_at=self.ctx.now())
        return {"status": status, "detail": detail, "owners": list(self.wanted.owners)}

    def log(self, what: str, **fields: Any) -> None:
        """Add a line to the story, under the node's name."""
        self.ctx.log(what, node=self.wanted.node, **fields)

    def common(self) -> dict[str, str]:
        """Return what all activities on the node want to know."""
        return {
            "operation": self.operation, "node": self.wanted.node, "uid": self.wanted.uid,
        }  # fmt: skip


def _words(mode: str) -> str:
    return {"maintenance": "in maintenance", "fence_lost": "without its fence"}.get(mode, mode)
