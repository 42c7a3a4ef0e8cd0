"""Nodes: read, watched, and patched only under a claim.

Every patch carries the resourceVersion that it was decided on, so that a node which changed in
between is looked at again; :mod:`jobs.drain.fence` decides.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jobs.drain.conditions import Told, conditions_patch
from jobs.drain.dead import undoing
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
    thread_patch,
    uncordon_patch,
)
from jobs.drain.mode_marks import given_back
from jobs.kubernetes import parse
from jobs.kubernetes.connection import MERGE_PATCH, STRATEGIC_PATCH, TIMEOUT, Cluster, segment
from jobs.kubernetes.errors import Conflict, NotFound, Temporary
from jobs.kubernetes.watching import Collection, Watch, list_all

NODES = Collection("/api/v1/nodes", parse.node)
TRIES = 8  # against others who patch the same node
TELL_TIMEOUT = 5.0  # seconds for a request that only tells people something
_LATELY = 1.0  # seconds: older than that, a node has surely changed (its kubelet reports every few)


@dataclass(frozen=True, slots=True)
class Cordoned:
    """The node is cordoned under our claim; `node` is how it was seen to be so."""

    was_cordoned: bool
    node: Node | None = field(default=None, compare=False)


class LastSeen:
    """Nodes as the server showed them a moment ago: whoever patches one next need not read it.

    Each is built upon once, and every patch is guarded by its resourceVersion: what has changed in
    between is read again. `clock` is in seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._nodes: dict[str, tuple[float, Node]] = {}

    def note(self, node: Node | None) -> None:
        """Note a node as it is right now."""
        if node is not None:
            self._nodes[node.name] = self._clock(), node

    def take(self, name: str) -> Node | None:
        """Return a node that was noted within the last second, once."""
        at, node = self._nodes.pop(name, (0.0, None))
        return node if self._clock() - at <= _LATELY else None


def find_node(cluster: Cluster, name: str, *, timeout: float = TIMEOUT) -> Node | None:
    """Return a node, or None if it does not exist."""
    try:
        return parse.node(cluster.ask("GET", _path(name), timeout=timeout))
    except NotFound:
        return None


def list_nodes(cluster: Cluster) -> tuple[Node, ...]:
    """Return all nodes, read page by page."""
    return list_all(cluster, NODES)[0]


def watch_nodes(cluster: Cluster) -> Watch[Node]:
    """Return a watch of all nodes; it begins with a list."""
    return Watch(cluster, NODES)


def cordon(
    cluster: Cluster, claim: Claim, *, timeout: float, seen: Node | None = None
) -> Cordoned | Denied | None:
    """Cordon a node for a claim; None if the node does not exist. `timeout` is for each request.

    `seen` is the node as it was read just now: enough for a patch, which its version guards.
    Raises :class:`Forbidden` if the right is missing: whoever can't cordon must not evict.
    """
    for _ in range(TRIES):
        known, seen = seen, None
        node = known or find_node(cluster, claim.node, timeout=timeout)
        if node is None:
            return None
        decided = cordon_patch(node, claim)
        if known is not None and not isinstance(decided, Patch):
            continue
        if isinstance(decided, AlreadyOurs):
            return Cordoned(decided.was_cordoned, node)
        if not isinstance(decided, Patch):
            return decided
        patched = _sent(cluster, _path(claim.node), decided.body(), MERGE_PATCH, timeout)
        if patched is not None:
            return Cordoned(decided.annotations[WAS_CORDONED] == "true", parse.node(patched))
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
        if patch is None:
            return undo
        body = undoing(node, given_back(node, patch))
        if patch_node(cluster, claim.node, body, timeout=timeout):
            return undo
    raise Temporary(f"node {claim.node} changes all the time")


def check_fence(cluster: Cluster, claim: Claim, *, timeout: float = TIMEOUT) -> Fence:
    """Say whether a node still is what its claim says."""
    return fence(find_node(cluster, claim.node, timeout=timeout), claim)


def tell_thread(cluster: Cluster, name: str, operation: str, thread: str) -> bool:
    """Write on a node of an operation where that is talked about; whether anything was written."""

    def decide(node: Node) -> dict[str, Any] | None:
        patch = thread_patch(node, operation, thread)
        return None if patch is None else patch.body()

    return _change(cluster, name, decide)


def tell_mode(
    cluster: Cluster,
    name: str,
    decide: Callable[[Node], Patch | None],
    *,
    last: LastSeen | None = None,
) -> bool:
    """Write a node's mode on it as decided on what it shows; whether anything was written."""

    def body(node: Node) -> dict[str, Any] | None:
        patch = decide(node)
        return None if patch is None else patch.body()

    return _change(cluster, name, body, last=last)


def tell_conditions(cluster: Cluster, told: Told, *, last: LastSeen | None = None) -> bool:
    """Bring a node's conditions to a stage of its drain; whether anything was written."""
    return _change(
        cluster,
        told.node,
        lambda node: conditions_patch(node, told),
        part="/status",
        content_type=STRATEGIC_PATCH,
        last=last,
    )


def _change(
    cluster: Cluster,
    name: str,
    decide: Callable[[Node], dict[str, Any] | None],
    *,
    part: str = "",
    content_type: str = MERGE_PATCH,
    last: LastSeen | None = None,
) -> bool:
    """Patch a node as decided on what it is now; False where there is nothing to do."""
    last = last or LastSeen()
    for _ in range(TRIES):
        node = last.take(name)
        known = node is not None
        node = node or find_node(cluster, name, timeout=TELL_TIMEOUT)
        body = None if node is None else decide(node)
        if body is None and known:
            continue  # no resourceVersion guards what is not written: look whether it is still so
        if body is None:
            return False
        patched = _sent(cluster, _path(name) + part, body, content_type, TELL_TIMEOUT)
        if patched is not None:
            last.note(parse.node(patched))
            return True
    raise Temporary(f"node {name} changes all the time")


def patch_node(cluster: Cluster, name: str, body: dict[str, Any], *, timeout: float) -> bool:
    """Send a guarded strategic merge patch; False if the node has changed since its version."""
    return _sent(cluster, _path(name), body, STRATEGIC_PATCH, timeout) is not None


def _sent(
    cluster: Cluster, path: str, body: dict[str, Any], content_type: str, timeout: float
) -> Any:
    """Send a guarded patch; returns the node after it, None if it changed since it was read."""
    try:
        return cluster.ask("PATCH", path, body=body, content_type=content_type, timeout=timeout)
    except Conflict:
        return None


def _path(name: str) -> str:
    return f"/api/v1/nodes/{segment(name)}"
