"""A look at the pods of one workload, on other nodes than the one that is drained."""

from collections.abc import Mapping
from typing import Any

from jobs.drain.facts import Controller, Pod
from jobs.drain.selectors import from_object
from jobs.drain.workloads import Look
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Cluster, segment
from jobs.kubernetes.errors import Expired, Temporary
from jobs.kubernetes.owners import read_owner
from jobs.selectors import Selector

PAGE = 250  # pods a page: a ready one elsewhere is mostly on the first
ENOUGH = 16  # ready pods elsewhere that a look needs to know of at most
_HASH = "pod-template-hash"  # what a Deployment's ReplicaSets add to its selector


def look_at(
    cluster: Cluster, namespace: str, controller: Controller, *, node: str, timeout: float
) -> Look | None:
    """Look at the workload of a replicated controller: which of its pods serve on other nodes.

    Two requests, more only for a workload with many pods and few of them ready. The ReplicaSets
    of a Deployment count as one. None if the controller does not exist any more; raises what
    :meth:`Cluster.ask` raises. `timeout` is for each request, in seconds.
    """
    raw = read_owner(cluster, namespace, controller, timeout=timeout)
    if raw is None:
        return None
    shown = parse.controller(raw["metadata"])
    deployment = shown.name if shown is not None and shown.kind == "Deployment" else ""
    ready: set[str] = set()
    coming = 0
    more: str | None = ""
    while more is not None and len(ready) < ENOUGH:
        pods, more = _page(cluster, namespace, _selector(raw, deployment), more, timeout)
        elsewhere = [pod for pod in pods if pod.node != node and _of(pod, controller, deployment)]
        alive = [pod for pod in elsewhere if not (pod.terminating or pod.finished)]
        ready |= {pod.uid for pod in alive if pod.ready}
        coming += sum(not pod.ready for pod in alive)
    return Look(
        kind=shown.kind if shown else controller.kind,
        namespace=namespace,
        name=shown.name if shown else controller.name,
        replicas=int((raw.get("spec") or {}).get("replicas", 1)),
        ready=frozenset(ready),
        coming=coming,
    )


def _page(
    cluster: Cluster, namespace: str, selector: Selector, more: str, timeout: float
) -> tuple[list[Pod], str | None]:
    query = {"labelSelector": str(selector), "limit": str(PAGE)}
    if more:
        query["continue"] = more
    path = f"/api/v1/namespaces/{segment(namespace)}/pods"
    try:
        body = cluster.ask("GET", path, query=query, timeout=timeout)
    except Expired as error:
        raise Temporary(f"GET {path}: {error}", retry_after=0) from error
    pods = [parse.pod(raw) for raw in body.get("items") or ()]
    return pods, body["metadata"].get("continue") or None


def _selector(raw: Mapping[str, Any], deployment: str) -> Selector:
    """Return what selects a workload's pods, those of all of a Deployment's ReplicaSets."""
    given = (raw.get("spec") or {}).get("selector") or {}
    if raw.get("kind") == "ReplicationController":
        given = {"matchLabels": given}
    selector = from_object(given)
    if not deployment:
        return selector
    return Selector(tuple(each for each in selector.requirements if each.key != _HASH))


def _of(pod: Pod, controller: Controller, deployment: str) -> bool:
    """Whether a pod is really of the workload: selectors of several may overlap."""
    if pod.controller is None:
        return False
    if not deployment:
        return pod.controller.uid == controller.uid
    # As the Deployment controller names them (pkg/controller/deployment, getNewReplicaSet).
    name = f"{deployment}-{pod.labels.get(_HASH, '')}"
    return pod.controller.kind == "ReplicaSet" and pod.controller.name == name
