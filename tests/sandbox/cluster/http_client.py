"""A plain HTTP client for the simulated cluster, and the objects that most tests begin with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

import urllib3

from sandbox.cluster import Cluster, View

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: urllib3.HTTPHeaderDict
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


class Stream:
    """An open watch: its events, as they come."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._lines = self._read()
        self.status = response.status

    def _read(self) -> Iterator[Json]:
        rest = b""
        for chunk in self._response.stream(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)

    def next(self) -> Json:
        return next(self._lines)

    def take(self, count: int) -> list[Json]:
        return [next(self._lines) for _ in range(count)]

    def rest(self) -> list[Json]:
        return list(self._lines)

    def close(self) -> None:
        self._response.close()


@dataclass
class Client:
    url: str
    token: str = ""
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20)
    )
    streams: list[Stream] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self.streams:
            stream.close()
        self.pool.clear()

    def _headers(self, content_type: str | None) -> dict[str, str]:
        headers = {"Content-Type": content_type} if content_type else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def ask(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Answer:
        headers = self._headers(content_type if body is not None else None)
        content = None if body is None else json.dumps(body).encode()
        response = self.pool.request(method, self.url + path, body=content, headers=headers)
        return Answer(response.status, response.headers, response.data)

    def get(self, path: str, **query: str) -> Answer:
        words = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        return self.ask("GET", f"{path}?{words}" if words else path)

    def patch(self, path: str, body: Any, content_type: str = MERGE) -> Answer:
        return self.ask("PATCH", path, body, content_type)

    def evict(self, namespace: str, name: str, query: str = "", **options: Any) -> Answer:
        body: Json = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
        }
        if options:
            body["deleteOptions"] = options
        return self.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction{query}", body)

    def watch(self, path: str) -> Stream:
        response = self.pool.request(
            "GET", self.url + path, headers=self._headers(None), preload_content=False
        )
        self.streams.append(Stream(response))
        return self.streams[-1]


def bare_pod(name: str, *, node: str = "node-1", stop_after: str = "", **spec: Any) -> Json:
    """Return a pod as the recordings' pods are."""
    metadata: Json = {"name": name, "labels": {"app": name}}
    if stop_after:
        metadata["annotations"] = {"kubelet.example.com/terminate-after": stop_after}
    containers = [{"name": "c", "image": "x"}]
    return {"metadata": metadata, "spec": {"containers": containers, "nodeName": node, **spec}}


def status_of(view: View, kind: str, namespace: str, name: str) -> Json:
    found = view.get(kind, namespace, name)
    status: Json = found["status"] if found else {}
    return status


def wait_until_ready(cluster: Cluster, namespace: str, *names: str) -> None:
    def all_ready(view: View) -> bool:
        pods = [view.get("Pod", namespace, name) for name in names]
        return all(
            pod and any(c["type"] == "Ready" for c in pod["status"].get("conditions", ()))
            for pod in pods
        )

    cluster.wait_for(all_ready)
