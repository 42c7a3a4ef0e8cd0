"""`/clusters/{cluster}/orphans`: cordons of drainbot's that no operation stands behind."""

from fastapi import APIRouter
from pydantic import Field

from bot.api.callers import At, By, IdempotencyKey, readable
from bot.api.problems import ProblemError, invalid, problem_of, problems, refused
from bot.api.shapes import ClusterInPath, NodeName, OperationId, cluster_named
from jobs.ids import cluster_of, quoted
from jobs.models import Frozen, OrphansView, Refused, Submitted

__all__ = ["router"]

router = APIRouter(tags=["orphans"])


class Undo(Frozen):
    """Whose cordons are undone: those of some nodes, or all; neither: they are only looked for."""

    undo: tuple[NodeName, ...] = Field(default=(), max_length=200)
    everything: bool = False


@router.post(
    "/clusters/{cluster}/orphans",
    status_code=202,
    summary="Look for orphaned cordons, and undo them",
    responses=problems("not_allowed", "unknown", "other_request"),
)
def ask(
    cluster: ClusterInPath,
    caller: By,
    parts: At,
    key: IdempotencyKey,
    wanted: Undo = Undo(),  # noqa: B008  frozen
) -> Submitted:
    """Have a worker look; GET /orphans/{id} answers when it has."""
    named = cluster_named(caller, cluster)
    if wanted.everything and wanted.undo:
        raise invalid("undo", "Name nodes or undo everything: one of the two.")
    asked = parts.counter.orphans.ask(
        caller.principal, named, undo=wanted.undo, everything=wanted.everything,
        channel=caller.channel(named, ""), dedup=key.dedup(),
    )  # fmt: skip
    if isinstance(asked, Refused):
        raise refused(asked)
    return asked


@router.get(
    "/orphans/{id}",
    summary="Read what was found",
    responses=problems("not_allowed", "unknown"),
)
def look(id: OperationId, caller: By, parts: At) -> OrphansView:
    """Return what a look found and undid; unknown while a worker is at it."""
    readable(caller, cluster_named(caller, cluster_of(id)))
    found = parts.counter.orphans.answer(id)
    if found is None:
        said = f"Nothing was found yet under {quoted(id)}: no worker has answered."
        raise ProblemError(problem_of("unknown", said))
    return found
