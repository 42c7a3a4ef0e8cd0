"""Nodes: read, watched, and patched only under a claim.

Every patch carries the resourceVersion that it was decided on, so that a node which changed in
between is looked at again; :mod:`jobs.drain.fence` decides.
"""

from dataclasses import dataclass

from jobs.drain.facts import Node
from jobs.drain.fence import (
    WAS_CORDONED,
    AlreadyOurs,
    Claim,
    Denied,
    Fence,
    Patch,
    Undo,
    cordon_patch,
    fence,
    uncordon_patch,
)
from jobs.kubernetes import parse
from jobs.kubernetes.connection import MERGE_PATCH, TIMEOUT, Cluster, segment
from jobs.kubernetes.errors import Conflict, NotFound, Temporary
from jobs.kubernetes.watching import Collection, Watch

NODES = Collection("/api/v1/nodes", parse.node)
TRIES = 8  # against others who patch the same node


@dataclass(frozen=True, slots=True)
class Cordoned:
    """The node is cordoned under our claim."""

    was_cordoned: bool


def find_node(cluster: Cluster, name: str, *, timeout: float = TIMEOUT) -> Node | None:
    """Return a node, or None if it does not exist."""
    try:
        return parse.node(cluster.ask("GET", _path(name), timeout=timeout))
    except NotFound:
        return None


def watch_nodes(cluster: Cluster) -> Watch[Node]:
    """Return a watch of all nodes; it begins with a list."""
    return Watch(cluster, NODES)


def cordon(cluster: Cluster, claim: Claim, *, timeout: float) -> Cordoned | Denied | None:
    """Cordon a node for a claim; None if the node does not exist. `timeout` is for each request.

    Raises :class:`Forbidden` if the right is missing: whoever can't cordon must not evict.
    """
    for _ in range(TRIES):
        node = find_node(cluster, claim.node, timeout=timeout)
        if node is None:
            return None
        decided = cordon_patch(node, claim)
        if isinstance(decided, AlreadyOurs):
            return Cordoned(decided.was_cordoned)
        if not isinstance(decided, Patch):
            return decided
        if _patched(cluster, claim.node, decided, timeout):
            return Cordoned(decided.annotations[WAS_CORDONED] == "true")
    raise Temporary(f"node {claim.node} changes all the time")


def uncordon(cluster: Cluster, claim: Claim, *, timeout: float) -> Undo | Denied | None:
    """Undo our own cordon and our marks; None if the node does not exist."""
    for _ in range(TRIES):
        node = find_node(cluster, claim.node, timeout=timeout)
        if node is None:
            return None
        decided = uncordon_patch(node, claim)
        if not isinstance(decided, tuple):
            return decided
        patch, undo = decided
        if patch is None or _patched(cluster, claim.node, patch, timeout):
            return undo
    raise Temporary(f"node {claim.node} changes all the time")


def check_fence(cluster: Cluster, claim: Claim, *, timeout: float = TIMEOUT) -> Fence:
    """Say whether a node still is what its claim says."""
    return fence(find_node(cluster, claim.node, timeout=timeout), claim)


def _patched(cluster: Cluster, name: str, patch: Patch, timeout: float) -> bool:
    try:
        cluster.ask(
            "PATCH", _path(name), body=patch.body(), content_type=MERGE_PATCH, timeout=timeout
        )
    except Conflict:
        return False
    return True


def _path(name: str) -> str:
    return f"/api/v1/nodes/{segment(name)}"
