"""What a node still lacks of what it was before its drain: decided, without I/O."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

from jobs.drain.facts import Node, Pod
from jobs.drain.quantities import quantity

# Another kernel, or another reservation of the kubelet's, takes a little of a node's memory: that
# is no reason to ask. A missing memory module, disk or device is far more than this.
_TOLERATED = Decimal("0.02")
_WATCHED = ("cpu", "memory", "pods")  # any other resource is looked at where the node had it


def lacks(node: Node, noted: Mapping[str, str | int]) -> list[str]:
    """Return, in words, what a node lacks: Ready, or some of what it had for pods.

    `noted` is what was kept of it before its drain.
    """
    found = [] if node.ready else ["it is not Ready"]
    before = json.loads(str(noted.get("allocatable", "{}")))
    for name, had in sorted(before.items(), key=_watched_first):
        has = node.allocatable.get(name, "0")
        if quantity(has) < quantity(had) * (1 - _TOLERATED):
            found.append(f"it has {has} {name} for pods, and had {had}")
    return found


def daemonsets_missing(pods: Iterable[Pod], noted: Mapping[str, str | int]) -> dict[str, str]:
    """Return the DaemonSets, `namespace/name` with their uid, that had a ready pod and have none.

    Whether they still exist is for the caller to find out.
    """
    had: dict[str, str] = json.loads(str(noted.get("daemonsets", "{}")))
    there = {pod.controller.uid for pod in pods if pod.controller is not None and pod.ready}
    return {name: uid for name, uid in sorted(had.items()) if uid not in there}


def _watched_first(item: tuple[str, str]) -> tuple[int, str]:
    name = item[0]
    return (_WATCHED.index(name) if name in _WATCHED else len(_WATCHED), name)
