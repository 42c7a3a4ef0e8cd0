"""What readers see of an operation, as its workflow shows it."""

from dataclasses import dataclass, field
from typing import Any

from jobs.durable import Context
from jobs.models import OperationEnd, OperationPlan, OperationState
from jobs.resources import Resources

Ctx = Context[Resources]


@dataclass
class Story:
    """Kept by the workflow, rebuilt by each replay, shown with whatever it does.

    `statuses` and `details` are of nodes that never began; the others tell of themselves.
    """

    ctx: Ctx
    state: OperationState = OperationState.PLANNING
    plan: OperationPlan | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    soaking_until: int = 0

    def show(self, state: OperationState | None = None, **ended: Any) -> None:
        """Show how it stands, in another state if one is given."""
        self.state = state or self.state
        self.ctx.show(
            {
                "state": self.state,
                "plan": self.plan.model_dump(mode="json") if self.plan else None,
                "statuses": self.statuses,
                "details": self.details,
                "soaking_until": self.soaking_until,
                **ended,
            }
        )

    def end(self, end: OperationEnd, detail: str = "") -> dict[str, str]:
        """Show the end; returns the workflow's result."""
        self.show(OperationState.ENDED, end=end, detail=detail)
        return {"end": end, "detail": detail}
