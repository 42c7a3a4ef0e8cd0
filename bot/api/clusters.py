"""`/clusters`: those that there are, whether somebody works there, freezes; and who I am."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from bot import commands
from bot.api.callers import By, Caller, IdempotencyKey, Key, readable
from bot.api.problems import problems, refused
from bot.api.shapes import ClusterInPath, Words, cluster_named
from bot.grammar import Hold, Holding
from bot.messages.freezing import froze_words
from bot.messages.style import PLAIN
from jobs.models import Freeze, Froze, Frozen, Refused

__all__ = ["router"]

router = APIRouter(tags=["clusters"])


class ClusterSeen(Frozen):
    """A cluster; `worker_seen`: a worker of it is alive; `now` is Redis' time in ms."""

    cluster: str
    worker_seen: bool
    frozen: Freeze | None
    now: int


class Clusters(Frozen):
    """The clusters that the policy lists."""

    clusters: tuple[ClusterSeen, ...]


class Why(Frozen):
    """Why a cluster is frozen, for everybody to read."""

    reason: Annotated[Words, Field(min_length=1, pattern=r"\S")]


class WhyNot(Frozen):
    """Why it is thawed, for everybody to read."""

    reason: Words = ""


class Held(Froze):
    """What became of it, and what a person is told of it."""

    message: str


@router.get("/clusters", summary="Look at the clusters", responses=problems("not_allowed"))
def look_at_all(caller: By) -> Clusters:
    """Return the clusters that the policy lists, and whether they are frozen."""
    names = caller.desk.client.clusters()
    for name in names:
        readable(caller, name)
    return Clusters(clusters=tuple(_seen(caller, name) for name in names))


@router.get(
    "/clusters/{cluster}",
    summary="Look at a cluster",
    responses=problems("not_allowed", "unknown"),
)
def look(cluster: ClusterInPath, caller: By) -> ClusterSeen:
    """Return whether a worker of a cluster is alive, and the freeze that holds it."""
    cluster_named(caller, cluster)
    readable(caller, cluster)
    return _seen(caller, cluster)


@router.post(
    "/clusters/{cluster}/freeze",
    summary="Freeze a cluster",
    responses=problems("not_allowed", "unknown"),
)
def freeze(cluster: ClusterInPath, why: Why, caller: By, key: IdempotencyKey) -> Held:
    """Allow no new eviction anywhere in a cluster, until somebody thaws it."""
    return _hold("freeze", cluster, why.reason, caller, key)


@router.post(
    "/clusters/{cluster}/thaw",
    summary="Thaw a cluster",
    responses=problems("not_allowed", "unknown"),
)
def thaw(
    cluster: ClusterInPath,
    caller: By,
    key: IdempotencyKey,
    why: WhyNot = WhyNot(),  # noqa: B008  frozen
) -> Held:
    """End a freeze; what waited goes on by itself."""
    return _hold("thaw", cluster, why.reason, caller, key)


def _hold(verb: Holding, cluster: str, reason: str, caller: Caller, key: Key) -> Held:
    cluster_named(caller, cluster)
    order = Hold(verb=verb, cluster=cluster, reason=reason)
    nonce = key.nonce({"reason": reason})
    held = commands.hold(caller.desk, caller.principal, order, nonce=nonce)
    if isinstance(held, Refused):
        raise refused(held)
    return Held(**dict(held), message=froze_words(held, verb, PLAIN))


def _seen(caller: Caller, cluster: str) -> ClusterSeen:
    client = caller.desk.client
    return ClusterSeen(
        cluster=cluster, worker_seen=client.worker_seen(cluster), frozen=client.frozen(cluster),
        now=client.now(),
    )  # fmt: skip
