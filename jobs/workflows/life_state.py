"""What the life of a node out of service remembers and shows."""

from dataclasses import dataclass
from typing import Any

from jobs.durable import Context
from jobs.models import NodeLife, NodeStatus, OperationEnd, OperationState
from jobs.resources import Resources
from jobs.workflows.inputs import LifeInput

Ctx = Context[Resources]


@dataclass
class NodeLifeState:
    """The workflow's own memory: rebuilt by each replay.

    `by` is whoever chose last; the rest is what :class:`jobs.models.NodeLife` shows.
    """

    ctx: Ctx
    wanted: LifeInput
    by: str
    mode: str = ""
    since: int = 0
    until: int = 0
    evidence: str = ""
    away: int = 0

    def show(self, state: OperationState = OperationState.RUNNING, **ended: Any) -> None:
        """Show how the node is tended."""
        status = ended.pop("status", NodeStatus.DRAINED)
        shown = NodeLife(
            mode=self.mode or self.wanted.begin,
            since=self.since,
            until=self.until,
            evidence=self.evidence or self.wanted.evidence,
            away=self.away,
        )
        self.ctx.show(
            {
                "state": state,
                "plan": None,
                "statuses": {self.wanted.node: status},
                "life": shown.model_dump(mode="json"),
                **ended,
            }
        )

    def end(
        self, end: OperationEnd, detail: str = "", *, status: NodeStatus = NodeStatus.DRAINED
    ) -> dict[str, str]:
        """Show the end; returns the workflow's result."""
        self.show(OperationState.ENDED, end=end, detail=detail, status=status)
        return {"end": end, "detail": detail}

    def log(self, what: str, **fields: Any) -> None:
        """Add a line to the story, under the node's name."""
        self.ctx.log(what, node=self.wanted.node, **fields)

    def common(self) -> dict[str, str]:
        """Return what all activities on the node want to know."""
        return {"operation": self.ctx.id, "node": self.wanted.node, "uid": self.wanted.uid}
