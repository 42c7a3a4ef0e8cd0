"""Objects of the API by kind, over plain HTTP, and the bounds that no change may leave.

A suite that runs on somebody's cluster must be unable to touch what is not its own, whatever it or
drainbot does wrong: every request that would change something is looked at before it is sent.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from jobs.kubernetes.connection import (
    MERGE_PATCH,
    STRATEGIC_PATCH,
    Cluster,
    connect,
    meaning,
)
from jobs.kubernetes.errors import NotFound

Json = dict[str, Any]
RUN_LABEL = "drainbot.dev/conformance"
_PLACES = {
    "Pod": ("/api/v1", "pods"),
    "Node": ("/api/v1", "nodes"),
    "Namespace": ("/api/v1", "namespaces"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Event": ("/api/v1", "events"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "VolumeAttachment": ("/apis/storage.k8s.io/v1", "volumeattachments"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
}
_CLUSTER_WIDE = frozenset({"Node", "Namespace", "VolumeAttachment"})
_IN_NAMESPACE = re.compile(r"^/apis?/.*?/namespaces/(?P<namespace>[^/]+)/(?P<kind>[^/]+)")
_OF_NAMESPACE = re.compile(r"^/api/v1/namespaces/(?P<name>[^/]+)(/finalize)?$")
_OF_NODE = re.compile(r"^/api/v1/nodes/(?P<name>[^/]+)(/status)?$")
_OF_ATTACHMENT = re.compile(
    r"^/apis/storage.k8s.io/v1/volumeattachments/(?P<name>[^/]+)(/status)?$"
)
_ASKS_ONLY = re.compile(r"^/apis/authorization.k8s.io/v1/selfsubject\w+$")


class OutOfBoundsError(AssertionError):
    """Something would have changed an object that is not the suite's."""


@dataclass
class Bounds:
    """What may be changed: these nodes, the namespaces of this run, and what carries its name."""

    run: str
    nodes: set[str] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)

    def check(self, method: str, path: str, body: Json) -> None:
        """Raise OutOfBoundsError for a request that would change anything else."""
        if method != "GET" and not self._within(path, body):
            raise OutOfBoundsError(f"not ours, so it was not sent: {method} {path}")

    def _within(self, path: str, body: Mapping[str, Any]) -> bool:
        name = (body.get("metadata") or {}).get("name", "")
        if found := _OF_NAMESPACE.match(path):
            return found["name"] in self.namespaces
        if found := _IN_NAMESPACE.match(path):
            return found["namespace"] in self.namespaces or self._tells_of_ours(found["kind"], body)
        if found := _OF_NODE.match(path):
            return found["name"] in self.nodes
        if found := _OF_ATTACHMENT.match(path):
            return self.run in found["name"]
        made = {
            "/api/v1/namespaces": self.run in name,
            "/apis/storage.k8s.io/v1/volumeattachments": self.run in name,
            "/api/v1/nodes": name in self.nodes,
        }
        return made.get(path, bool(_ASKS_ONLY.match(path)))

    def _tells_of_ours(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Whether it is an Event about one of our nodes: those stand in `default`."""
        about = body.get("involvedObject") or body.get("regarding") or {}
        return kind == "events" and about.get("name") in self.nodes


class Bounded(Cluster):
    """A connection that keeps to its bounds, right where a request leaves the process."""

    def __init__(self, kubeconfig: str, bounds: Bounds, *, pool: int = 16) -> None:
        api: Any = connect(kubeconfig, pool=pool)._api
        super().__init__(api)
        self.bounds = bounds
        self._host = str(api.configuration.host).rstrip("/")
        self._really = api.call_api
        api.call_api = self._call

    def _call(
        self, method: str, url: str, headers: Any = None, body: Any = None, *rest: Any, **more: Any
    ) -> Any:
        return self.on_the_wire(
            method,
            urlsplit(url.removeprefix(self._host)),
            body if isinstance(body, dict) else {},
            lambda: self._really(method, url, headers, body, *rest, **more),
        )

    def on_the_wire(
        self, method: str, target: SplitResult, body: Json, really: Callable[[], Any]
    ) -> Any:
        """Send one request; returns what holds its `response`, raises what urllib3 raises."""
        self.bounds.check(method, target.path, body)
        return really()


def place(kind: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The path of a collection, an object or its subresource."""
    base, plural = _PLACES[kind]
    within = f"/namespaces/{namespace}" if namespace and kind not in _CLUSTER_WIDE else ""
    parts = [part for part in (plural, name, subresource) if part]
    return f"{base}{within}/{'/'.join(parts)}"


class Objects:
    """Read and change objects by kind. Raises what :meth:`Cluster.ask` raises."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        try:
            found: Json = self.cluster.ask("GET", place(kind, namespace, name))
        except NotFound:
            return None
        return found

    def get(self, kind: str, namespace: str, name: str) -> Json:
        found = self.find(kind, namespace, name)
        assert found is not None, f"there is no {kind} {namespace}/{name}"
        return found

    def listed(self, kind: str, namespace: str = "", **selectors: str) -> list[Json]:
        query = {f"{by}Selector": text for by, text in selectors.items()}
        answer = self.cluster.ask("GET", place(kind, namespace), query=query)
        return list(answer.get("items") or ())

    def pods_on(self, node: str, namespace: str = "") -> list[Json]:
        return self.listed("Pod", namespace, field=f"spec.nodeName={node}")

    def create(self, body: Json) -> Json:
        namespace = body["metadata"].get("namespace", "")
        made: Json = self.cluster.ask("POST", place(body["kind"], namespace), body=body)
        return made

    def replace_status(self, kind: str, body: Json) -> Json:
        """Write a status on the version that was read; raises Conflict."""
        meta = body["metadata"]
        path = place(kind, meta.get("namespace", ""), meta["name"], "status")
        whole = {**body, "kind": kind, "apiVersion": version_of(kind)}
        written: Json = self.cluster.ask("PUT", path, body=whole)
        return written

    def patch(
        self, kind: str, namespace: str, name: str, patch: Json, *, subresource: str = ""
    ) -> Json:
        """Apply a JSON merge patch, or to a status a strategic one: conditions merge by type."""
        changed: Json = self.cluster.ask(
            "PATCH",
            place(kind, namespace, name, subresource),
            body=patch,
            content_type=STRATEGIC_PATCH if subresource == "status" else MERGE_PATCH,
        )
        return changed

    def delete(self, kind: str, namespace: str, name: str, **options: Any) -> None:
        """Delete an object; `grace` in seconds, `uid` as a precondition. It may be gone already."""
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if "grace" in options:
            body["gracePeriodSeconds"] = options["grace"]
        if "uid" in options:
            body["preconditions"] = {"uid": options["uid"]}
        if "propagation" in options:
            body["propagationPolicy"] = options["propagation"]
        path = place(kind, namespace, name)
        answer = self.cluster.send("DELETE", path, body=body)
        if answer.status not in {200, 202, 404, 409}:
            raise meaning("DELETE", path, answer)


def version_of(kind: str) -> str:
    """The apiVersion of a kind."""
    return _PLACES[kind][0].removeprefix("/apis/").removeprefix("/api/")
