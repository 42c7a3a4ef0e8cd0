"""`/nodes`: the nodes of a cluster as the watcher last saw them; what was done to one; and back."""

from fastapi import APIRouter, Response

from bot import commands
from bot.api.callers import By, IdempotencyKey, readable
from bot.api.operations import Asked
from bot.api.problems import ProblemError, problem_of, problems, refused
from bot.api.shapes import ChannelId, InCluster, NodeInPath, cluster_named
from bot.commands import Place
from bot.messages.ephemeral import uncordon_words
from bot.messages.style import PLAIN
from jobs.ids import quoted
from jobs.models import ClusterNode, Frozen, Inventory, Refused
from jobs.options import UsageError

__all__ = ["router"]

router = APIRouter(tags=["nodes"])


class Where(Frozen):
    """Where it is told; without it the cluster's first channel of the policy."""

    channel: ChannelId | None = None


class NodeSeen(ClusterNode):
    """A node, and as of when (ms since the epoch)."""

    cluster: str
    as_of: int


@router.get("/nodes", summary="Look at the nodes", responses=problems("not_allowed", "unknown"))
def look_at_all(caller: By, cluster: InCluster = None) -> Inventory:
    """Return the nodes of a cluster, and as of when; `as_of` is 0 where none was ever seen."""
    named = cluster_named(caller, cluster)
    readable(caller, named)
    return caller.desk.nodes.of(named)


@router.get(
    "/nodes/{name}",
    summary="Look at a node",
    responses=problems("not_allowed", "unknown"),
)
def look(name: NodeInPath, caller: By, cluster: InCluster = None) -> NodeSeen:
    """Return a node as the watcher last saw it."""
    named = cluster_named(caller, cluster)
    readable(caller, named)
    inventory = caller.desk.nodes.of(named)
    node = inventory.get(name)
    if node is None:
        raise ProblemError(problem_of("unknown", f"{named} has no node {quoted(name)}."))
    return NodeSeen(**dict(node), cluster=named, as_of=inventory.as_of)


@router.post(
    "/nodes/{name}/uncordon",
    status_code=202,
    summary="Give a node back",
    responses=problems("not_allowed", "unknown", "other_request", "not_known_yet"),
)
def uncordon(
    name: NodeInPath,
    caller: By,
    key: IdempotencyKey,
    response: Response,
    cluster: InCluster = None,
    where: Where = Where(),  # noqa: B008  frozen
) -> Asked:
    """Give a node back that an ended operation left cordoned: undoes only our own cordon."""
    named = cluster_named(caller, cluster)
    place = Place(named, caller.channel(named, where.channel or ""))
    try:
        given = commands.uncordon(caller.desk, caller.principal, name, place, dedup=key.dedup())
    except UsageError as error:
        raise ProblemError(problem_of("unknown", str(error))) from error
    if isinstance(given, Refused):
        raise refused(given)
    response.headers["Location"] = f"/operations/{given.operation}"
    return Asked(**dict(given), message=uncordon_words(given, named, name, PLAIN))
