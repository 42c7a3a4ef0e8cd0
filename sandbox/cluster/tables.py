"""What `kubectl get` prints: the server itself makes the columns (meta.k8s.io/v1 Table)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.cluster.objects import Item, Json
from sandbox.cluster.resources import Resource
from sandbox.cluster.store import Store
from sandbox.cluster.times import parse
from sandbox.cluster.web import Request

__all__ = ["age", "table_of", "wants_table"]

Cells = Callable[[Item], list[Any]]


def wants_table(request: Request) -> bool:
    """Whether the client would rather have a table than objects."""
    return "as=Table" in request.headers.get("accept", "")


def age(seconds: float) -> str:
    """Write a duration as kubectl does, roughly: 45s, 7m, 3h, 2d."""
    for size, unit in ((86400, "d"), (3600, "h"), (120, "m")):
        if seconds >= size:
            return f"{int(seconds // (60 if unit == 'm' else size))}{unit}"
    return f"{max(0, int(seconds))}s"


def _node(item: Item) -> list[Any]:
    state = "Ready" if item.ready else "NotReady"
    if item.spec.get("unschedulable"):
        state += ",SchedulingDisabled"
    version = (item.status.get("nodeInfo") or {}).get("kubeletVersion", "")
    return [state, "<none>", version]


def _pod(item: Item) -> list[Any]:
    containers = item.spec.get("containers") or ()
    statuses = item.status.get("containerStatuses") or ()
    ready = sum(1 for one in statuses if one.get("ready"))
    state = "Terminating" if item.ending else item.status.get("phase", "")
    restarts = sum(one.get("restartCount", 0) for one in statuses)
    return [f"{ready}/{len(containers)}", state, restarts, item.spec.get("nodeName", "<none>")]


def _budget(item: Item) -> list[Any]:
    spec = item.spec
    return [
        spec.get("minAvailable", "N/A"),
        spec.get("maxUnavailable", "N/A"),
        item.status.get("disruptionsAllowed", 0),
    ]


def _deployment(item: Item) -> list[Any]:
    status = item.status
    return [
        f"{status.get('readyReplicas', 0)}/{item.spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
    ]


def _replica_set(item: Item) -> list[Any]:
    return [
        item.spec.get("replicas", 0),
        item.status.get("replicas", 0),
        item.status.get("readyReplicas", 0),
    ]


def _stateful_set(item: Item) -> list[Any]:
    return [f"{item.status.get('readyReplicas', 0)}/{item.spec.get('replicas', 0)}"]


def _daemon_set(item: Item) -> list[Any]:
    status = item.status
    return [
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
    ]


def _phase(item: Item) -> list[Any]:
    return [item.status.get("phase", "")]


_COLUMNS: Mapping[str, tuple[tuple[str, ...], Cells]] = {
    "nodes": (("Status", "Roles", "Version"), _node),
    "pods": (("Ready", "Status", "Restarts", "Node"), _pod),
    "namespaces": (("Status",), _phase),
    "poddisruptionbudgets": (
        ("Min Available", "Max Unavailable", "Allowed Disruptions"),
        _budget,
    ),
    "deployments": (("Ready", "Up-to-date", "Available"), _deployment),
    "replicasets": (("Desired", "Current", "Ready"), _replica_set),
    "statefulsets": (("Ready",), _stateful_set),
    "daemonsets": (("Desired", "Current", "Ready"), _daemon_set),
}
_NO_COLUMNS: tuple[tuple[str, ...], Cells] = ((), lambda _: [])


def table_of(resource: Resource, items: Sequence[Item], store: Store, metadata: Json) -> Json:
    """Return the objects as a table, with the metadata of their list."""
    names, cells = _COLUMNS.get(resource.plural, _NO_COLUMNS)
    now = store.clock()
    columns = ["Name", *names, "Age"]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {
                "name": name,
                "type": "string",
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": 0,
            }
            for name in columns
        ],
        "rows": [
            {
                "cells": [
                    item.key.name,
                    *cells(item),
                    age(now - parse(item.metadata["creationTimestamp"])),
                ],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": item.metadata,
                },
            }
            for item in items
        ],
    }
