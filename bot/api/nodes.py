"""`/nodes`: the nodes of a cluster as the watcher last saw them; into maintenance, and back."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

from bot import commands
from bot.api.callers import By, Caller, IdempotencyKey, Key, readable
from bot.api.operations import Asked
from bot.api.problems import ProblemError, problem_of, problems, refused
from bot.api.shapes import ChannelId, InCluster, NodeInPath, Words, cluster_named
from bot.commands import Place
from bot.messages.ephemeral import tended_words, uncordon_words
from bot.messages.style import PLAIN
from jobs.ids import quoted
from jobs.models import ClusterNode, Frozen, Inventory, Refused, Submitted
from jobs.options import UsageError

__all__ = ["router"]

router = APIRouter(tags=["nodes"])


class Where(Frozen):
    """Where it is told; without it the cluster's first channel of the policy."""

    channel: ChannelId | None = None


class Maintenance(Frozen):
    """How long it should take, in seconds (0: nobody knows), why, and where it is told."""

    expected: int = Field(default=0, ge=0, le=365 * 86_400)
    reason: Words = ""
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


_GIVES = problems("not_allowed", "unknown", "taken", "other_request", "not_known_yet")


@router.post(
    "/nodes/{name}/uncordon",
    status_code=202,
    summary="Give a node back",
    responses=_GIVES,
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
    given = _taken(
        lambda: commands.uncordon(caller.desk, caller.principal, name, place, dedup=key.dedup()),
        response,
    )
    return Asked(**dict(given), message=uncordon_words(given, named, name, PLAIN))


@router.post(
    "/nodes/{name}/maintenance",
    status_code=202,
    summary="Start a node's maintenance",
    responses=_GIVES,
)
def maintain(
    name: NodeInPath,
    caller: By,
    key: IdempotencyKey,
    response: Response,
    cluster: InCluster = None,
    wanted: Maintenance = Maintenance(),  # noqa: B008  frozen
) -> Asked:
    """Start the maintenance of a node that is drained."""
    return _tend("maintenance", name, cluster, wanted, caller, key, response)


@router.post(
    "/nodes/{name}/return",
    status_code=202,
    summary="Return a node to service",
    responses=_GIVES,
)
def return_node(
    name: NodeInPath,
    caller: By,
    key: IdempotencyKey,
    response: Response,
    cluster: InCluster = None,
    where: Where = Where(),  # noqa: B008  frozen
) -> Asked:
    """Return a node to service, when it is what it was before its drain."""
    wanted = Maintenance(channel=where.channel)
    return _tend("return", name, cluster, wanted, caller, key, response)


def _tend(
    verb: Literal["maintenance", "return"],
    name: str,
    cluster: str | None,
    wanted: Maintenance,
    caller: Caller,
    key: Key,
    response: Response,
) -> Asked:
    named = cluster_named(caller, cluster)
    place = Place(named, caller.channel(named, wanted.channel or ""))
    taken = _taken(
        lambda: commands.tend(
            caller.desk, caller.principal, verb, name, place, expected=wanted.expected,
            reason=wanted.reason, dedup=key.dedup(),
        ),
        response,
    )  # fmt: skip
    return Asked(**dict(taken), message=tended_words(taken, verb, named, name, PLAIN))


def _taken(act: Callable[[], Submitted | Refused], response: Response) -> Submitted:
    """Return what was taken, and say where it is; raise :class:`ProblemError` for a refusal."""
    try:
        answer = act()
    except UsageError as error:
        raise ProblemError(problem_of("unknown", str(error))) from error
    if isinstance(answer, Refused):
        raise refused(answer)
    response.headers["Location"] = f"/operations/{answer.operation}"
    return answer
