"""What runs a pod: read once each, tolerant of kinds that drainbot does not know."""

from jobs.drain.facts import Controller, Owner
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Cluster, segment
from jobs.kubernetes.errors import NotFound

_PLURALS = {
    ("apps", "ReplicaSet"): "replicasets",
    ("apps", "StatefulSet"): "statefulsets",
    ("apps", "DaemonSet"): "daemonsets",
    ("batch", "Job"): "jobs",
}


def find_owner(cluster: Cluster, namespace: str, controller: Controller) -> Owner | None:
    """Return the owner of a pod; None if it does not exist any more.

    A kind that drainbot does not know (of another API group, too) is returned by its name alone,
    without a request. Raises what :meth:`Cluster.ask` raises.
    """
    group = controller.api_version.rpartition("/")[0]
    plural = _PLURALS.get((group, controller.kind))
    if plural is None:
        return Owner(
            uid=controller.uid, kind=controller.kind, namespace=namespace, name=controller.name
        )
    path = f"/apis/{group}/v1/namespaces/{segment(namespace)}/{plural}/{segment(controller.name)}"
    try:
        raw = cluster.ask("GET", path)
    except NotFound:
        return None
    if raw["metadata"]["uid"] != controller.uid:
        return None
    shown = parse.controller(raw["metadata"])
    return parse.owner(raw, kind=controller.kind, shown=shown, uid=controller.uid)
