"""What is missing in a control plane without kubelets or controllers, played by the driver.

A kube-apiserver with its etcd (as envtest starts them) stores pods that nobody starts, stops or
counts. These hands do that through the API, for the pods of the suite's own namespaces only.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from jobs.kubernetes.errors import Conflict, KubernetesError, NotFound
from tests.conformance.api import Bounds, Json, Objects
from tests.conformance.controllers import Controllers, ending, is_ready
from tests.conformance.manifests import DISPOSABLE, GATE, conditions
from tests.conformance.times import stamp

EVERY = 0.03  # seconds between two looks
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class Hands:
    """A thread that plays the kubelet, the controllers, or both. A context manager."""

    def __init__(
        self, objects: Objects, bounds: Bounds, *, kubelet: bool, controllers: bool
    ) -> None:
        self._objects = objects
        self._bounds = bounds
        self._kubelet = kubelet
        self._controllers = Controllers(objects, self._attempt) if controllers else None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hands", daemon=True)
        self.complaints: deque[str] = deque(maxlen=5)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            self._attempt(self._look)

    def _attempt(self, act: Callable[[], Any]) -> None:
        """Do one thing; what was refused is done again at the next look, if it is still wanted."""
        try:
            act()
        except (Conflict, NotFound):
            pass  # it has changed since it was read
        except KubernetesError as error:
            self.complaints.append(str(error))

    def _look(self) -> None:
        nodes = [
            node
            for node in self._objects.listed("Node", label=f"{DISPOSABLE}=true")
            if node["metadata"]["name"] in self._bounds.nodes
        ]
        for namespace in sorted(self._bounds.namespaces):
            pods = self._objects.listed("Pod", namespace)
            self._tend(pods, {node["metadata"]["name"]: node for node in nodes})
            if self._controllers:
                self._controllers.tend(namespace, nodes, pods)

    def _tend(self, pods: list[Json], nodes: dict[str, Json]) -> None:
        for pod in pods:
            node = nodes.get(pod["spec"].get("nodeName", ""))
            if node is None:
                continue
            if not self._kubelet:
                self._attempt(lambda pod=pod: self._open_gate(pod))  # type: ignore[misc]
            elif is_ready(node):
                self._attempt(lambda pod=pod: self._start_or_stop(pod))  # type: ignore[misc]
            elif self._controllers and _declared_dead(node) and ending(pod):
                self._attempt(lambda pod=pod: self._remove(pod))  # type: ignore[misc]

    def _open_gate(self, pod: Json) -> None:
        """Let a pod that has just started be ready: a kubelet waits for its readiness gate."""
        gated = pod["spec"].get("readinessGates")
        known = {each["type"] for each in (pod.get("status") or {}).get("conditions") or ()}
        if gated and GATE not in known:
            self._status(pod, conditions({GATE: True}, now=stamp()))

    def _start_or_stop(self, pod: Json) -> None:
        phase = (pod.get("status") or {}).get("phase", "Pending")
        if ending(pod):
            if pod["metadata"].get("deletionGracePeriodSeconds", 0) > 0:
                self._remove(pod)
        elif phase == "Pending":
            kinds = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            patch = conditions(dict.fromkeys(kinds, True), now=stamp())
            patch["status"] |= {"phase": "Running", "startTime": stamp()}
            self._status(pod, patch)

    def _remove(self, pod: Json) -> None:
        meta = pod["metadata"]
        self._objects.delete("Pod", meta["namespace"], meta["name"], grace=0, uid=meta["uid"])

    def _status(self, pod: Json, patch: Json) -> None:
        meta = pod["metadata"]
        self._objects.patch("Pod", meta["namespace"], meta["name"], patch, subresource="status")


def _declared_dead(node: Json) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or ())


def finalize(objects: Objects, namespace: str) -> None:
    """Let a namespace go whose controller does not exist, once it is empty."""
    found = objects.find("Namespace", "", namespace)
    if found is None:
        return
    body = {**found, "kind": "Namespace", "apiVersion": "v1", "spec": {"finalizers": []}}
    with contextlib.suppress(KubernetesError):
        objects.cluster.ask("PUT", f"/api/v1/namespaces/{namespace}/finalize", body=body)
