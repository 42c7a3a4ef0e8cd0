"""Namespaces. A deleted one is Terminating until its controller has emptied it."""

from sandbox.cluster.kinds.base import NAME_FIELDS, Kind, nested, unsupported_label
from sandbox.cluster.objects import Json, with_metadata
from sandbox.cluster.store import Store

__all__ = ["KIND"]


def _begin(_store: Store, body: Json) -> Json:
    name = body["metadata"]["name"]
    labels = {"kubernetes.io/metadata.name": name, **(body["metadata"].get("labels") or {})}
    spec = {"finalizers": ["kubernetes"]}
    return with_metadata({**body, "spec": spec, "status": {"phase": "Active"}}, labels=labels)


KIND = Kind(
    begin=_begin,
    fields={**NAME_FIELDS, "status.phase": nested("status", "phase")},
    unknown_field=unsupported_label,
    empty={"spec": {}, "status": {}},
)
