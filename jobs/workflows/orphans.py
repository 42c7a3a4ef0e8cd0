"""Look for cordons that no operation stands behind, and undo those that people named.

It is no operation: nothing of it is told in Slack (:mod:`jobs.reading` leaves it out), and its
result is for whoever started it.
"""

from typing import Any

from jobs.activities.orphans import find_orphans, undo_orphan
from jobs.durable import Context, StepFailed
from jobs.models import OrphansView, OrphanView
from jobs.resources import Resources
from jobs.workflows.inputs import OrphansInput


def orphans(ctx: Context[Resources], input: Any) -> Any:
    """Find orphans, undo those that are wanted; its result is an OrphansView."""
    wanted = OrphansInput.model_validate(input)
    try:
        listed = ctx.activity("find", find_orphans)["orphans"]
    except StepFailed as failed:
        return OrphansView(cluster=wanted.cluster, failed=str(failed)).model_dump(mode="json")
    found = [OrphanView.model_validate(orphan) for orphan in listed]
    known = {orphan.node for orphan in found}
    refused = {name: "no orphaned cordon is on it" for name in wanted.undo if name not in known}
    shown = [
        _undone(ctx, orphan, wanted) if wanted.everything or orphan.node in wanted.undo else orphan
        for orphan in found
    ]
    view = OrphansView(cluster=wanted.cluster, orphans=tuple(shown), refused=refused)
    return view.model_dump(mode="json")


def _undone(ctx: Context[Resources], orphan: OrphanView, wanted: OrphansInput) -> OrphanView:
    """Undo one; what can't be is said, and the others are gone on with."""
    if orphan.foreign:
        words = "the mark is another drainbot's: it was left alone"
        return orphan.model_copy(update={"what": words})
    try:
        done = ctx.activity(
            f"undo:{orphan.node}", undo_orphan, operation=ctx.id, node=orphan.node,
            uid=orphan.uid, orphan=orphan.operation, by=wanted.requester,
        )  # fmt: skip
    except StepFailed as failed:
        return orphan.model_copy(update={"what": str(failed)})
    return orphan.model_copy(update=done)
