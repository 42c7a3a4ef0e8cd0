"""Nodes. They carry no generation, and their status survives creation: kubelets register so."""

from sandbox.cluster.kinds.base import NAME_FIELDS, Kind, nested, unsupported_label, without_empty
from sandbox.cluster.objects import Json, with_status
from sandbox.cluster.store import Store

__all__ = ["KIND"]

_NODE_INFO = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)
_EMPTY_STATUS: Json = {
    "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
    "nodeInfo": dict.fromkeys(_NODE_INFO, ""),
}


def _begin(_store: Store, body: Json) -> Json:
    status = body.get("status") or {}
    info = {**_EMPTY_STATUS["nodeInfo"], **(status.get("nodeInfo") or {})}
    endpoints = status.get("daemonEndpoints") or _EMPTY_STATUS["daemonEndpoints"]
    return with_status(
        {**body, "spec": body.get("spec") or {}}, daemonEndpoints=endpoints, nodeInfo=info
    )


def _tidy(body: Json) -> Json:
    spec = body.get("spec") or {}
    kept = {k: v for k, v in spec.items() if v or k not in ("unschedulable", "taints")}
    return without_empty({**body, "spec": kept})


KIND = Kind(
    begin=_begin,
    tidy=_tidy,
    fields={**NAME_FIELDS, "spec.unschedulable": nested("spec", "unschedulable", default="false")},
    unknown_field=unsupported_label,
    empty={"spec": {}, "status": _EMPTY_STATUS},
)
