"""What was done, by whom: histories, and the audit log that they are read from."""

from typing import Annotated

from fastapi import APIRouter, Query

from bot.api.callers import By
from bot.api.problems import problems, refused
from bot.api.shapes import ClusterInPath, InCluster, NodeInPath, OperationId, cluster_named
from jobs.ids import cluster_of
from jobs.models import AuditEntry, AuditReport, Frozen, History, Refused

__all__ = ["router"]

router = APIRouter(tags=["audit"])

_SEEN = problems("not_allowed", "unknown")
_HASH = "[0-9a-f]{64}"


class Entries(Frozen):
    """Entries of an audit log, the oldest first."""

    entries: tuple[AuditEntry, ...]


@router.get("/nodes/{name}/history", summary="What was done to a node", responses=_SEEN)
def of_node(name: NodeInPath, caller: By, cluster: InCluster = None) -> History:
    """Return the history of a node, also of one that is gone, the oldest entry first."""
    named = cluster_named(caller, cluster)
    found = caller.desk.client.histories.of_node(caller.principal, named, name)
    if isinstance(found, Refused):
        raise refused(found)
    return found


@router.get("/operations/{id}/history", summary="What an operation did", responses=_SEEN)
def of_operation(id: OperationId, caller: By) -> History:
    """Return what was done in an operation, also in one that is forgotten."""
    named = cluster_named(caller, cluster_of(id))
    found = caller.desk.client.histories.of_operation(caller.principal, named, id)
    if isinstance(found, Refused):
        raise refused(found)
    return found


@router.get("/clusters/{cluster}/audit", summary="Read the audit log", responses=_SEEN)
def entries(
    cluster: ClusterInPath,
    caller: By,
    first: Annotated[
        int, Query(ge=0, le=2**53, description="From this number on; 0: the last.")
    ] = 0,
    count: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = 100,
) -> Entries:
    """Return entries of the audit log of a cluster."""
    named = cluster_named(caller, cluster)
    found = caller.desk.client.histories.entries(caller.principal, named, first=first, count=count)
    if isinstance(found, Refused):
        raise refused(found)
    return Entries(entries=found)


@router.get("/clusters/{cluster}/audit/report", summary="Examine the audit log", responses=_SEEN)
def report(
    cluster: ClusterInPath,
    caller: By,
    anchor: Annotated[
        list[Annotated[str, Query(pattern=f"^[1-9][0-9]{{0,15}}:{_HASH}$")]] | None,
        Query(max_length=20, description="Heads (`SEQ:HASH`) that were noted elsewhere."),
    ] = None,
) -> AuditReport:
    """Examine the whole audit log of a cluster, against heads that were noted outside Redis."""
    named = cluster_named(caller, cluster)
    found = caller.desk.client.histories.verify(caller.principal, named, anchor or ())
    if isinstance(found, Refused):
        raise refused(found)
    return found
