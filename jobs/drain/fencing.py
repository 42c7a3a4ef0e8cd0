"""Whether the fence of a node that is out of service still holds: decided, without I/O.

Cordoned, ours, the same node, and empty by the filters of the drain that emptied it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobs.drain.facts import Node, Pod
from jobs.drain.fence import OPERATION, Claim, Fence, fence, token_of
from jobs.drain.filters import Rules, judge
from jobs.models import DrainOptions

KEPT_IN = ("drained", "maintenance")
"""The modes in which a fence is kept while nobody is at work on the node."""

BROKEN = {
    Fence.UNCORDONED: "somebody uncordoned it",
    Fence.UNMARKED: "somebody removed drainbot's marks",
    Fence.TAKEN: "another operation's marks are on it",
    Fence.OUTDATED: "a later claim has taken it over",
    Fence.REPLACED: "another node has its name now",
    Fence.GONE: "it is gone",
}
_NAMED = 3  # pods that the evidence names


def fence_noted(
    options: Mapping[str, Any], evict_anyway: Sequence[str], pods: Iterable[Pod], *, by: str
) -> dict[str, str | int]:
    """Return what is kept of a drain that was confirmed: its filters, and what stays by them.

    `by` is the operation.
    """
    stay = {
        f"{pod.namespace}/{pod.controller.name}": pod.controller.uid
        for pod in pods
        if pod.controller is not None and pod.controller.kind == "DaemonSet" and pod.ready
    }
    return {
        "drained_by": by,
        "options": json.dumps(dict(options)),
        "evict_anyway": json.dumps(list(evict_anyway)),
        "daemonsets": json.dumps(stay),
    }


def node_evidence(node: Node | None, *, uid: str, owners: frozenset[str]) -> str:
    """Return what is wrong with a node that should be fenced, or "".

    `owners` are the operations whose mark it may carry: whoever has it, and who had it before.
    """
    marked = node.annotations.get(OPERATION, "") if node else ""
    operation = marked if marked in owners else min(owners, default="")
    token = token_of(node) if node else 0
    state = fence(node, Claim(node="", uid=uid, operation=operation, token=token))
    return "" if state is Fence.HELD else BROKEN[state]


def pods_evidence(pods: Iterable[Pod], noted: Mapping[str, str | int], *, now: int) -> str:
    """Return which pods are on a node that should be empty, or "". `now` in ms."""
    found = landed(pods, noted, now=now)
    if not found:
        return ""
    names = ", ".join(str(pod) for pod in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{names}{more} landed on it"


def landed(pods: Iterable[Pod], noted: Mapping[str, str | int], *, now: int) -> list[Pod]:
    """Return the pods that must not be there, by the filters of the drain. `now` in ms.

    Of a drain that an earlier version confirmed the filters are not known: no pod can be judged.
    """
    if "options" not in noted:
        return []
    rules = Rules.of(
        DrainOptions.model_validate_json(str(noted.get("options", "{}"))),
        evict_anyway=frozenset(json.loads(str(noted.get("evict_anyway", "[]")))),
        long_work=0,
    )
    valid = frozenset(json.loads(str(noted.get("valid", "[]"))))
    return [p for p in pods if p.uid not in valid and judge(p, rules, now).fate.must_go]
