"""The rights that drainbot's worker uses in a cluster, and no others.

`manifests/` grants exactly these, and a test holds them against what the package calls.
"""

from typing import NamedTuple


class Right(NamedTuple):
    """A verb on a resource of an API group (the core group is empty)."""

    verb: str
    group: str
    resource: str


RIGHTS: frozenset[Right] = frozenset(
    {
        Right("get", "", "nodes"),
        Right("list", "", "nodes"),
        Right("watch", "", "nodes"),
        Right("patch", "", "nodes"),
        Right("patch", "", "nodes/status"),
        Right("create", "", "events"),
        Right("list", "", "pods"),
        Right("watch", "", "pods"),
        Right("delete", "", "pods"),
        Right("create", "", "pods/eviction"),
        Right("list", "policy", "poddisruptionbudgets"),
        Right("watch", "policy", "poddisruptionbudgets"),
        Right("get", "", "replicationcontrollers"),
        Right("get", "apps", "replicasets"),
        Right("get", "apps", "statefulsets"),
        Right("get", "apps", "daemonsets"),
        Right("get", "batch", "jobs"),
        Right("get", "", "persistentvolumeclaims"),
        Right("list", "storage.k8s.io", "volumeattachments"),
        Right("get", "storage.k8s.io", "volumeattachments"),
    }
)
