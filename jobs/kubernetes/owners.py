"""What runs a pod: read once each, tolerant of kinds that drainbot does not know."""

from typing import Any

from jobs.drain.facts import Controller, Owner
from jobs.kubernetes import parse
from jobs.kubernetes.connection import TIMEOUT, Cluster, segment
from jobs.kubernetes.errors import NotFound

_PLURALS = {
    ("", "ReplicationController"): "replicationcontrollers",
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
    if not _known(controller):
        return Owner(
            uid=controller.uid, kind=controller.kind, namespace=namespace, name=controller.name
        )
    raw = read_owner(cluster, namespace, controller)
    if raw is None:
        return None
    shown = parse.controller(raw["metadata"])
    return parse.owner(raw, kind=controller.kind, shown=shown, uid=controller.uid)


def read_owner(
    cluster: Cluster, namespace: str, controller: Controller, *, timeout: float = TIMEOUT
) -> Any:
    """Return an owner of a known kind as the server has it; None if it does not exist any more.

    Raises what :meth:`Cluster.ask` raises.
    """
    group = controller.api_version.rpartition("/")[0]
    plural = _PLURALS[group, controller.kind]
    base = f"/apis/{group}/v1" if group else "/api/v1"
    path = f"{base}/namespaces/{segment(namespace)}/{plural}/{segment(controller.name)}"
    try:
        raw = cluster.ask("GET", path, timeout=timeout)
    except NotFound:
        return None
    return raw if raw["metadata"]["uid"] == controller.uid else None


def _known(controller: Controller) -> bool:
    return (controller.api_version.rpartition("/")[0], controller.kind) in _PLURALS
