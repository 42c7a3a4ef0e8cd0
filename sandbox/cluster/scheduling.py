"""Where may a pod run? Filters of kube-scheduler, reduced to what a drain meets. Pure functions.

A node is ruled out by the first filter that refuses it: cordoned, tainted, another node wanted, no
room. Of those that are left, the one with the fewest pods is taken.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.cluster.objects import Item, Json
from sandbox.cluster.quantities import Requests, milli, units
from sandbox.cluster.selecting import matches_labels

__all__ = ["Fit", "allocatable", "place", "refusal", "suits", "tolerates"]

_UNSCHEDULABLE: Json = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@dataclass(frozen=True)
class Fit:
    """The node for a pod, or why there is none, in the scheduler's words."""

    node: str | None
    message: str = ""


def tolerates(pod_spec: Json, taint: Json) -> bool:
    """Whether one of the pod's tolerations covers the taint."""
    for toleration in pod_spec.get("tolerations") or ():
        if toleration.get("effect") not in (None, "", taint.get("effect")):
            continue
        if toleration.get("key") not in (None, "", taint["key"]):
            continue
        if toleration.get("operator") == "Exists":
            return True
        if toleration.get("key") and toleration.get("value", "") == taint.get("value", ""):
            return True
    return False


def _wanted_here(pod_spec: Json, node: Item) -> bool:
    selector: Mapping[str, str] = pod_spec.get("nodeSelector") or {}
    if any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    required = (
        (pod_spec.get("affinity") or {})
        .get("nodeAffinity", {})
        .get("requiredDuringSchedulingIgnoredDuringExecution")
    )
    if not required:
        return True
    return any(_term_matches(term, node) for term in required["nodeSelectorTerms"])


def _term_matches(term: Mapping[str, Any], node: Item) -> bool:
    fields = term.get("matchFields") or ()
    expressions = term.get("matchExpressions") or ()
    by_name = {"metadata.name": node.key.name}
    return matches_labels({"matchExpressions": fields}, by_name) and matches_labels(
        {"matchExpressions": expressions}, node.labels
    )


def suits(pod_spec: Json, node: Item) -> bool:
    """Whether a DaemonSet with such pods wants one on the node, cordoned or not."""
    return _wanted_here(pod_spec, node) and all(
        tolerates(pod_spec, taint)
        for taint in node.spec.get("taints") or ()
        if taint["effect"] != "PreferNoSchedule" and taint["key"] != _UNSCHEDULABLE["key"]
    )


def refusal(pod_spec: Json, asked: Requests, node: Item, free: Requests) -> list[str]:
    """Return why the pod can't run on the node: nothing if it can."""
    if node.spec.get("unschedulable") and not tolerates(pod_spec, _UNSCHEDULABLE):
        return ["node(s) were unschedulable"]
    for taint in node.spec.get("taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not tolerates(pod_spec, taint):
            return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    if not _wanted_here(pod_spec, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    short = []
    if free.pods < asked.pods:
        short.append("Too many pods")
    if asked.cpu_m > max(0, free.cpu_m):
        short.append("Insufficient cpu")
    if asked.memory > max(0, free.memory):
        short.append("Insufficient memory")
    return short


def place(
    pod_spec: Json,
    asked: Requests,
    nodes: Iterable[Item],
    used: Callable[[str], Requests],
) -> Fit:
    """Find a node for a pod. ``used`` tells what the pods of a node ask for already."""
    best: tuple[int, str] | None = None
    reasons: Counter[str] = Counter()
    total = 0
    for node in nodes:
        total += 1
        taken = used(node.key.name)
        why = refusal(pod_spec, asked, node, allocatable(node).minus(taken))
        if why:
            reasons.update(why)
        elif best is None or (taken.pods, node.key.name) < best:
            best = (taken.pods, node.key.name)
    if best:
        return Fit(best[1])
    if not total:
        return Fit(None, "no nodes available to schedule pods")
    words = ", ".join(sorted(f"{count} {why}" for why, count in reasons.items()))
    return Fit(None, f"0/{total} nodes are available: {words}.")


def allocatable(node: Item) -> Requests:
    """Return what the pods of a node may ask for in all."""
    given = node.status.get("allocatable") or {}
    return Requests(
        milli(given.get("cpu", 0)), units(given.get("memory", 0)), units(given.get("pods", 0))
    )
