"""What these credentials may do, asked of the API server. Nothing is kept there of the question."""

from typing import Any

from jobs.kubernetes.connection import Cluster
from jobs.kubernetes.rights import Right

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def may(cluster: Cluster, right: Right, *, timeout: float = 5.0) -> bool:
    """Return whether these credentials have a right in all namespaces.

    Raises what :meth:`Cluster.ask` raises.
    """
    resource, _, subresource = right.resource.partition("/")
    wanted: dict[str, Any] = {"verb": right.verb, "group": right.group, "resource": resource}
    if subresource:
        wanted["subresource"] = subresource
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": wanted},
    }
    answer = cluster.ask("POST", _PATH, body=review, timeout=timeout)
    return bool((answer.get("status") or {}).get("allowed"))
