"""Pods of a node: listed, watched, deleted."""

from jobs.drain.answers import EvictionAnswer, classify
from jobs.drain.facts import Pod
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Answer, Cluster, segment
from jobs.kubernetes.errors import Temporary
from jobs.kubernetes.evictions import passing
from jobs.kubernetes.watching import Collection, Watch, list_all
from jobs.models import PodRef
from jobs.selectors import Selector


def pods_on(node: str) -> Collection[Pod]:
    """Return the collection of all pods on a node, of all namespaces."""
    return Collection("/api/v1/pods", parse.pod, (("fieldSelector", f"spec.nodeName={node}"),))


def list_pods_on(cluster: Cluster, node: str) -> tuple[tuple[Pod, ...], str]:
    """Return the pods of a node, and the resourceVersion to watch from."""
    return list_all(cluster, pods_on(node))


def list_pods_of(cluster: Cluster, namespace: str, selector: Selector) -> tuple[Pod, ...]:
    """Return the pods of a namespace that a selector selects, on whatever node."""
    path = f"/api/v1/namespaces/{segment(namespace)}/pods"
    found, _ = list_all(cluster, Collection(path, parse.pod, (("labelSelector", str(selector)),)))
    return found


def watch_pods_on(cluster: Cluster, node: str, *, version: str = "") -> Watch[Pod]:
    """Return a watch of a node's pods; without a version it begins with a list."""
    return Watch(cluster, pods_on(node), version=version)


def delete_pod(cluster: Cluster, pod: PodRef, *, grace: int = -1, timeout: float) -> EvictionAnswer:
    """Delete exactly this pod, by its uid: no budget is asked. `grace` -1 leaves it its own.

    Never raises for what the server or the connection does: the answer says it.
    """
    options: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": pod.uid},
    }
    if grace >= 0:
        options["gracePeriodSeconds"] = grace
    path = f"/api/v1/namespaces/{segment(pod.namespace)}/pods/{segment(pod.name)}"
    try:
        answer: Answer = cluster.send("DELETE", path, body=options, timeout=timeout)
    except Temporary as error:
        return passing(error)
    return classify(answer.status, answer.headers, answer.body)
