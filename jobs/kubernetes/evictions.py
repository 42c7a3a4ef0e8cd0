"""Evictions: one pod, by its uid, through the Eviction API."""

from jobs.drain.answers import EvictionAnswer, Passing, classify
from jobs.kubernetes.connection import Cluster, segment
from jobs.kubernetes.errors import Temporary
from jobs.models import PodRef


def evict(
    cluster: Cluster, pod: PodRef, *, grace: int = -1, dry_run: bool = False, timeout: float
) -> EvictionAnswer:
    """Ask for a pod's eviction. `grace` in seconds, -1 leaves the pod its own.

    The uid goes with it as a precondition: a pod that was recreated under the same name, perhaps
    on another node, is never evicted for its predecessor (kubernetes#138229). Never raises for
    what the server or the connection does: the answer says it.
    """
    options: dict[str, object] = {"preconditions": {"uid": pod.uid}}
    if grace >= 0:
        options["gracePeriodSeconds"] = grace
    if dry_run:
        options["dryRun"] = ["All"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": options,
    }
    namespace, name = segment(pod.namespace), segment(pod.name)
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    try:
        answer = cluster.send("POST", path, body=body, timeout=timeout)
    except Temporary as error:
        return passing(error)
    return classify(answer.status, answer.headers, answer.body)


def passing(error: Temporary) -> Passing:
    """Return a request without an answer as an answer: worth another try, the uid keeps it safe."""
    return Passing(str(error))
