"""The scale subresource: how many replicas a workload wants, as autoscaling/v1 says it."""

from typing import Any

from sandbox.cluster.errors import invalid
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.patches import apply_patch
from sandbox.cluster.resources import Resource

__all__ = ["patched", "scale_of", "with_replicas"]


def scale_of(item: Item) -> Json:
    """Return the Scale of a workload."""
    metadata = item.metadata
    labels = (item.spec.get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            name: metadata[name]
            for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": item.spec.get("replicas", 0)},
        "status": {
            "replicas": item.status.get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def with_replicas(resource: Resource, item: Item, scale: Json) -> Json:
    """Return the workload's body as the Scale wants it. Raises ApiError 422."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        raise invalid(
            resource, item.key.name, "spec.replicas", "must be greater than or equal to 0"
        )
    version = (scale.get("metadata") or {}).get("resourceVersion")
    metadata = {**item.metadata, **({"resourceVersion": version} if version else {})}
    return {**item.body, "metadata": metadata, "spec": {**item.spec, "replicas": replicas}}


def patched(item: Item, content_type: str, patch: Any) -> Json:
    """Return the Scale with the patch."""
    return apply_patch(content_type, scale_of(item), patch)
