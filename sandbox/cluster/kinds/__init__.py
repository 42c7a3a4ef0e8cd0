"""The rules of each resource. One that is not named here is stored as it comes."""

from collections.abc import Mapping

from sandbox.cluster.kinds import budgets, events, namespaces, nodes, pods, volumes, workloads
from sandbox.cluster.kinds.base import Kind
from sandbox.cluster.resources import Resource

__all__ = ["Kind", "kind_of"]

_PLAIN = Kind()
_KINDS: Mapping[tuple[str, str], Kind] = {
    ("", "events"): events.KIND,
    ("", "namespaces"): namespaces.KIND,
    ("", "nodes"): nodes.KIND,
    ("", "pods"): pods.KIND,
    ("apps", "daemonsets"): workloads.DAEMON_SET,
    ("apps", "deployments"): workloads.DEPLOYMENT,
    ("apps", "replicasets"): workloads.REPLICA_SET,
    ("apps", "statefulsets"): workloads.STATEFUL_SET,
    ("batch", "jobs"): workloads.JOB,
    ("policy", "poddisruptionbudgets"): budgets.KIND,
    ("storage.k8s.io", "volumeattachments"): volumes.KIND,
}


def kind_of(resource: Resource) -> Kind:
    """Return the rules of a resource."""
    return _KINDS.get((resource.group, resource.plural), _PLAIN)
