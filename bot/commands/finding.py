"""Finding nodes by what somebody has typed of them so far."""

import heapq
import re
from collections.abc import Iterable, Mapping

from bot.commands.desk import Desk
from jobs.ids import close_matches
from jobs.models import ClusterNode, Principal

__all__ = ["find_nodes", "matching"]

_MOST = 100  # that a select of Slack's shows
_CLOSE = 5
_DIGITS = re.compile(r"(\d+)")

Found = dict[str, tuple[tuple[ClusterNode, ...], int]]
"""By cluster: the nodes that are shown, and how many match in all."""


def find_nodes(desk: Desk, principal: Principal, typed: str, cluster: str) -> Found:
    """Return the nodes of all clusters that `typed` fits, those of `cluster` first.

    What anybody of the workspace may read. Raises :class:`jobs.errors.StateUnavailable`.
    """
    if principal.team != desk.policy.team:
        return {}
    names = sorted(desk.client.clusters(), key=lambda name: name != cluster)
    return matching({name: desk.nodes.of(name).nodes for name in names}, typed)


def matching(
    clusters: Mapping[str, Iterable[ClusterNode]], typed: str, *, most: int = _MOST
) -> Found:
    """Return what fits, the best first, `most` in all; where nothing fits, what looks like it.

    Names that begin so come before those of which a part begins so, and before those that hold
    it; `key=value` takes labels, `CLUSTER/` the nodes of one cluster.
    """
    query = typed.strip().lower()
    where, slash, rest = query.partition("/")
    if slash and "=" not in query:
        query = rest
    else:
        where = ""
    found: Found = {}
    for cluster, nodes in clusters.items():
        there = tuple(nodes) if cluster.startswith(where) else ()
        hits = _hits(there, query) or _alike(there, query)
        shown = heapq.nsmallest(most, hits, key=lambda hit: (hit[0], _natural(hit[1].name)))
        found[cluster] = (tuple(node for _, node in shown), len(hits))
        most -= len(shown)
    return found


def _hits(nodes: tuple[ClusterNode, ...], query: str) -> list[tuple[int, ClusterNode]]:
    key, equals, value = query.partition("=")
    if equals:
        return [
            (0, node)
            for node in nodes
            if any(k.lower() == key and v.lower().startswith(value) for k, v in node.labels.items())
        ]
    ranks = ((_rank(node.name, query), node) for node in nodes)
    return [(rank, node) for rank, node in ranks if rank is not None]


def _rank(name: str, query: str) -> int | None:
    at = name.find(query)
    if at <= 0:
        return None if at else 0
    return 1 if f"-{query}" in name or f".{query}" in name else 2


def _alike(nodes: tuple[ClusterNode, ...], query: str) -> list[tuple[int, ClusterNode]]:
    by_name = {node.name: node for node in nodes}
    return [(3, by_name[name]) for name in close_matches(query, by_name, limit=_CLOSE)]


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort node-2 before node-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]
