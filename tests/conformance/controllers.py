"""What a controller-manager does, for a control plane that has none: owners, scheduling, budgets.

Small on purpose: it keeps the number of pods, gives them nodes, and counts. A budget's arithmetic
is that of the simulated cluster, which its own tests hold to the real controller's.
"""

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.cluster.budgets import Owner, compute
from sandbox.cluster.objects import Item
from tests.conformance.api import Json, Objects
from tests.conformance.manifests import reference
from tests.conformance.times import stamp

KINDS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job")
_SCALED = {"ReplicaSet", "StatefulSet"}
_FINISHED = {"Succeeded", "Failed"}
_DECIDES = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")

Attempt = Callable[[Callable[[], Any]], None]


def is_ready(pod: Json) -> bool:
    found = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found)


def ending(item: Json) -> bool:
    return "deletionTimestamp" in item["metadata"]


def active(pod: Json) -> bool:
    return not ending(pod) and (pod.get("status") or {}).get("phase") not in _FINISHED


def owner_uid(pod: Json) -> str:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((each["uid"] for each in owners if each.get("controller")), "")


def suits(spec: Json, node: Json) -> bool:
    """Whether a node has the labels that a pod asks for."""
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(k) == v for k, v in (spec.get("nodeSelector") or {}).items())


class Controllers:
    """One look at a namespace after the other; each is harmless to repeat."""

    def __init__(self, objects: Objects, attempt: Attempt) -> None:
        self._objects = objects
        self._attempt = attempt

    def tend(self, namespace: str, nodes: list[Json], pods: list[Json]) -> None:
        owners = {kind: self._objects.listed(kind, namespace) for kind in KINDS}
        for kind, found in owners.items():
            for owner in found:
                if not ending(owner):
                    mine = [pod for pod in pods if owner_uid(pod) == owner["metadata"]["uid"]]
                    self._keep(kind, owner, mine, nodes, pods)
        self._bind(nodes, pods)
        self._count(namespace, owners)

    # -- owners ------------------------------------------------------------------------------

    def _keep(
        self, kind: str, owner: Json, mine: list[Json], nodes: list[Json], pods: list[Json]
    ) -> None:
        for name, node in _missing(kind, owner, mine, nodes):
            made = _pod_of(kind, owner, name)
            chosen = node or _place(made["spec"], nodes, pods)
            if chosen:
                made["spec"]["nodeName"] = chosen
            self._attempt(lambda made=made: self._objects.create(made))  # type: ignore[misc]
        for pod in _surplus(kind, owner, mine):
            meta = pod["metadata"]
            self._attempt(
                lambda meta=meta: self._objects.delete(  # type: ignore[misc]
                    "Pod", meta["namespace"], meta["name"], uid=meta["uid"]
                )
            )
        self._tell(kind, owner, mine, nodes)

    def _tell(self, kind: str, owner: Json, mine: list[Json], nodes: list[Json]) -> None:
        running = [pod for pod in mine if active(pod)]
        ready = sum(is_ready(pod) for pod in running)
        known = owner.get("status") or {}
        told: Json = {"observedGeneration": owner["metadata"].get("generation", 1)}
        if kind in _SCALED:
            told |= {"replicas": len(running), "readyReplicas": ready, "availableReplicas": ready}
        elif kind == "DaemonSet":
            wanted = sum(suits(owner["spec"]["template"]["spec"], node) for node in nodes)
            told |= {
                "desiredNumberScheduled": wanted, "currentNumberScheduled": len(running),
                "numberReady": ready, "numberMisscheduled": 0,
            }  # fmt: skip
        else:
            started = known.get("startTime") or stamp()
            told = {"active": len(running), "ready": ready, "startTime": started}
        if any((known.get(name) or 0) != value for name, value in told.items()):
            body = {**owner, "status": {**known, **told}}
            self._attempt(lambda: self._objects.replace_status(kind, body))

    def _bind(self, nodes: list[Json], pods: list[Json]) -> None:
        """Give a node to a pod that had none when it was made, or say that there is none."""
        for pod in pods:
            meta, spec = pod["metadata"], pod["spec"]
            if spec.get("nodeName") or not active(pod) or spec.get("schedulingGates"):
                continue
            node = _place(spec, nodes, pods)
            body: Json = {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]},
                "target": {"kind": "Node", "name": node},
            }  # fmt: skip
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/binding"
            if node:
                self._attempt(
                    lambda path=path, body=body: self._objects.cluster.ask(  # type: ignore[misc]
                        "POST", path, body=body
                    )
                )
            elif not (pod.get("status") or {}).get("conditions"):
                self._attempt(lambda meta=meta: self._say_why(meta, len(nodes)))  # type: ignore[misc]

    def _say_why(self, meta: Json, nodes: int) -> None:
        why = {
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": f"0/{nodes} nodes are available: {nodes} node(s) were unschedulable.",
            "lastTransitionTime": stamp(),
        }  # fmt: skip
        patch = {"status": {"conditions": [why]}}
        self._objects.patch("Pod", meta["namespace"], meta["name"], patch, subresource="status")

    # -- budgets -----------------------------------------------------------------------------

    def _count(self, namespace: str, owners: dict[str, list[Json]]) -> None:
        scales = {
            owner["metadata"]["uid"]: (owner["metadata"]["uid"], owner["spec"].get("replicas", 1))
            for kind in _SCALED
            for owner in owners[kind]
        }

        def owner_of(pod: Item) -> Owner | None:
            return scales.get(owner_uid(pod.body))

        budgets = self._objects.listed("PodDisruptionBudget", namespace)
        # Read after the budgets: an eviction that they note has not been overlooked then.
        pods = [Item(pod, 0) for pod in self._objects.listed("Pod", namespace)] if budgets else []
        for budget in budgets:
            wanted = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
            chosen = [p for p in pods if all(p.labels.get(k) == v for k, v in wanted.items())]
            body = compute(Item(budget, 0), chosen, owner_of, time.time()).body
            if _differs(budget.get("status") or {}, body["status"]):
                self._attempt(
                    lambda body=body: self._objects.replace_status(  # type: ignore[misc]
                        "PodDisruptionBudget", body
                    )
                )


def _differs(known: Json, new: Json) -> bool:
    if (known.get("disruptedPods") or {}) != (new.get("disruptedPods") or {}):
        return True
    if known.get("observedGeneration") != new.get("observedGeneration"):
        return True
    reasons = [
        {each["type"]: each["reason"] for each in status.get("conditions") or ()}
        for status in (known, new)
    ]
    return reasons[0] != reasons[1] or any(known.get(n, 0) != new.get(n, 0) for n in _DECIDES)


def _missing(
    kind: str, owner: Json, mine: list[Json], nodes: list[Json]
) -> Iterator[tuple[str, str]]:
    """Yield the name and the node, either may be empty, of each pod that is missing."""
    name, spec = owner["metadata"]["name"], owner["spec"]
    running = [pod for pod in mine if active(pod)]
    if kind == "StatefulSet":
        there = {pod["metadata"]["name"] for pod in mine}
        names = (f"{name}-{number}" for number in range(spec.get("replicas", 1)))
        yield from ((each, "") for each in names if each not in there)
    elif kind == "DaemonSet":
        there = {pod["spec"].get("nodeName") for pod in mine}
        suited = (node for node in nodes if suits(spec["template"]["spec"], node))
        names = (node["metadata"]["name"] for node in suited)
        yield from (("", each) for each in names if each not in there)
    else:
        done = sum((pod.get("status") or {}).get("phase") == "Succeeded" for pod in mine)
        wanted = spec.get("replicas", spec.get("parallelism", 1)) - len(running)
        left = spec.get("completions", 2**31) - done - len(running)
        yield from (("", "") for _ in range(min(wanted, left)))


def _surplus(kind: str, owner: Json, mine: list[Json]) -> list[Json]:
    running = [pod for pod in mine if active(pod)]
    if kind not in _SCALED or len(running) <= owner["spec"].get("replicas", 1):
        return []
    in_order = sorted(running, key=lambda pod: (is_ready(pod), pod["metadata"]["name"]))
    return in_order[: len(running) - owner["spec"].get("replicas", 1)]


def _pod_of(kind: str, owner: Json, name: str) -> Json:
    template = copy.deepcopy(owner["spec"]["template"])
    meta = {k: v for k, v in template["metadata"].items() if k != "creationTimestamp"}
    meta["namespace"] = owner["metadata"]["namespace"]
    if name:
        meta["name"] = name
    else:
        meta["generateName"] = f"{owner['metadata']['name']}-"
    meta["ownerReferences"] = [reference(kind, owner["metadata"]["name"], owner["metadata"]["uid"])]
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": template["spec"]}


def _place(spec: Json, nodes: list[Json], pods: list[Json]) -> str:
    free = [
        node["metadata"]["name"]
        for node in nodes
        if not node["spec"].get("unschedulable") and suits(spec, node)
    ]
    taken = [pod["spec"].get("nodeName") for pod in pods]
    return min(free, key=lambda name: (taken.count(name), name), default="")
