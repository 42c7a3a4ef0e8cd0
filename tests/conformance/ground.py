"""The ground that cases stand on: a cluster, reached by plain HTTP, whichever it is.

What differs between a simulated cluster, a control plane alone and a real cluster are the flags of
:class:`Ground`; the cases use its verbs only.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jobs.kubernetes.errors import KubernetesError
from tests.conformance import manifests
from tests.conformance.api import RUN_LABEL, Bounds, Json, Objects
from tests.conformance.controllers import KINDS, active, ending, is_ready
from tests.conformance.hands import Hands, finalize
from tests.conformance.manifests import DISPOSABLE, GATE, HOSTNAME
from tests.conformance.times import stamp

T = TypeVar("T")
NODES = 3
_LOOK_EVERY = 0.02


@dataclass
class Ground:
    """A cluster and what may be changed in it.

    `kubelet`: real kubelets start and stop pods, so their state can't be made up. `collector`: a
    real garbage collector removes what has lost its owner. `patience` in seconds.
    """

    name: str
    kubeconfig: str
    objects: Objects
    bounds: Bounds
    nodes: tuple[str, ...]
    kubelet: bool = False
    collector: bool = False
    patience: float = 60.0
    hands: Hands | None = None
    numbers: Iterator[int] = field(default_factory=itertools.count)

    # -- waiting -----------------------------------------------------------------------------

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """Look until there is something; a test that would hang ends with what the hands said."""
        end = time.monotonic() + self.patience
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                said = "; ".join(self.hands.complaints) if self.hands else ""
                raise AssertionError(f"waited in vain for {what} {said}")
            time.sleep(_LOOK_EVERY)

    # -- namespaces --------------------------------------------------------------------------

    def namespace(self) -> str:
        """Make a namespace of this run."""
        name = f"{self.bounds.run}-{next(self.numbers)}"
        self.bounds.namespaces.add(name)
        labels = {RUN_LABEL: self.bounds.run}
        meta = {"name": name, "labels": labels}
        self.objects.create({"kind": "Namespace", "apiVersion": "v1", "metadata": meta})
        if not self.collector and self.hands is not None:
            account = {"namespace": name, "name": "default"}
            with contextlib.suppress(KubernetesError):  # somebody else may have made it
                self.objects.create(
                    {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": account}
                )
        return name

    def clear(self, namespace: str) -> None:
        """Empty a namespace and let it go; it need not be there any more."""
        self.until(lambda: self._emptied(namespace), f"the end of all pods in {namespace}")
        self.objects.delete("Namespace", "", namespace)
        if not self.collector:
            finalize(self.objects, namespace)
        self.bounds.namespaces.discard(namespace)

    def _emptied(self, namespace: str) -> bool:
        for kind in (*KINDS, "PodDisruptionBudget"):
            for item in self.objects.listed(kind, namespace):
                self.objects.delete(
                    kind, namespace, item["metadata"]["name"], propagation="Background"
                )
        pods = self.objects.listed("Pod", namespace)
        for pod in pods:
            name = pod["metadata"]["name"]
            with contextlib.suppress(KubernetesError):  # it may have gone meanwhile
                if pod["metadata"].get("finalizers"):
                    no_more: Json = {"metadata": {"finalizers": None}}
                    self.objects.patch("Pod", namespace, name, no_more)
                self.objects.delete("Pod", namespace, name, grace=0)
        return not pods

    # -- workloads ---------------------------------------------------------------------------

    def workload(
        self, kind: str, namespace: str, name: str, on: Sequence[str], **traits: Any
    ) -> list[Json]:
        """Make an owner and its pods, one on each node that is named, in this order.

        They may move: what replaces them later goes to any node of ours that takes pods. A
        DaemonSet's and a Job's stay where they are wanted.
        """
        groups = [(node, len(list(same))) for node, same in itertools.groupby(on)]
        first, count = groups[0]
        body = manifests.workload(kind, namespace, name, count, where=self._only(first), **traits)
        self.objects.create(body)
        self._settled(namespace, name, count)
        for node, more in groups[1:]:
            count += more
            patch = {"spec": {"replicas": count, **_template_on(self._only(node))}}
            self.objects.patch(kind, namespace, name, patch)
            self._settled(namespace, name, count)
        if kind in {"ReplicaSet", "StatefulSet"}:
            self.wants(kind, namespace, name, {DISPOSABLE: "true", HOSTNAME: None})
        return self.pods(namespace, name)

    def wants(self, kind: str, namespace: str, name: str, where: dict[str, Any]) -> None:
        """Let a workload's next pods want nodes with other labels, once its controller knows."""
        self.objects.patch(kind, namespace, name, {"spec": _template_on(where)})

        def known() -> bool:
            owner = self.objects.get(kind, namespace, name)
            seen = (owner.get("status") or {}).get("observedGeneration", 0)
            return bool(seen >= owner["metadata"].get("generation", 1))

        self.until(known, f"the controller of {namespace}/{name}")

    def bare(self, namespace: str, name: str, on: str, **traits: Any) -> Json:
        """Make a pod on a node that nothing would start again, unless `owner` says otherwise."""
        self.objects.create(manifests.pod(namespace, name, on, **traits))
        self._settled(namespace, name, 1)
        return self.objects.get("Pod", namespace, name)

    def budget(self, namespace: str, name: str, app: str, **spec: Any) -> None:
        """Make a budget and wait until it has counted."""
        made = self.objects.create(manifests.budget(namespace, name, app, **spec))
        self.counted(namespace, name, lambda status: bool(status.get("expectedPods")), made)

    def counted(
        self, namespace: str, name: str, true: Callable[[Json], bool], made: Json | None = None
    ) -> None:
        """Wait until a budget's status is what a case needs."""

        def look() -> bool:
            status = self.objects.get("PodDisruptionBudget", namespace, name).get("status") or {}
            return bool(status.get("observedGeneration")) and true(status)

        self.until(look, f"the counts of budget {name} {made or ''}")

    def pods(self, namespace: str, app: str) -> list[Json]:
        """The pods of a workload that are not on their way out, by name."""
        found = self.objects.listed("Pod", namespace, label=f"app={app}")
        return sorted((p for p in found if active(p)), key=lambda p: str(p["metadata"]["name"]))

    def _settled(self, namespace: str, app: str, count: int) -> None:
        def look() -> bool:
            found = self.pods(namespace, app)
            return len(found) == count and all(is_ready(pod) for pod in found)

        self.until(look, f"{count} ready pods of {namespace}/{app}")

    def _only(self, node: str) -> dict[str, str]:
        labels = self.objects.get("Node", "", node)["metadata"].get("labels") or {}
        return {HOSTNAME: labels.get(HOSTNAME, node)}

    # -- states of pods and nodes ------------------------------------------------------------

    def set_ready(self, pod: Json, *, ready: bool) -> None:
        """Let a gated pod become ready or unready."""
        kinds = (GATE,) if self.kubelet else (GATE, "Ready", "ContainersReady")
        patch = manifests.conditions(dict.fromkeys(kinds, ready), now=stamp())
        meta = pod["metadata"]
        self.objects.patch("Pod", meta["namespace"], meta["name"], patch, subresource="status")
        self.until(
            lambda: is_ready(self.objects.get("Pod", meta["namespace"], meta["name"])) is ready,
            f"{meta['name']} ready={ready}",
        )

    def finish_pod(self, pod: Json) -> None:
        """Let a pod have failed; one on a real kubelet must have been given a `deadline`."""
        meta = pod["metadata"]
        if not self.kubelet:
            patch = manifests.conditions({"Ready": False, "ContainersReady": False}, now=stamp())
            patch["status"]["phase"] = "Failed"
            self.objects.patch("Pod", meta["namespace"], meta["name"], patch, subresource="status")

        def look() -> bool:
            found = self.objects.get("Pod", meta["namespace"], meta["name"])
            return str(found["status"].get("phase")) == "Failed"

        self.until(look, f"the end of {meta['name']}")

    def release(self, pod: Json) -> None:
        """Take a pod's finalizers away."""
        meta = pod["metadata"]
        no_more: Json = {"metadata": {"finalizers": None}}
        with contextlib.suppress(KubernetesError):
            self.objects.patch("Pod", meta["namespace"], meta["name"], no_more)

    def set_node_ready(self, node: str, *, ready: bool) -> None:
        """Let a node fall silent, or come back; only where no real kubelet speaks for it."""
        assert not self.kubelet
        patch = manifests.conditions({"Ready": ready}, now=stamp())
        self.objects.patch("Node", "", node, patch, subresource="status")

    def cordoned(self, node: str) -> bool:
        return bool(self.objects.get("Node", "", node)["spec"].get("unschedulable"))

    def here(self, namespace: str, node: str) -> list[str]:
        """The names of a namespace's pods on a node, those on their way out too."""
        return sorted(p["metadata"]["name"] for p in self.objects.pods_on(node, namespace))

    def gone(self, pod: Json) -> bool:
        """Whether this very pod is gone or on its way."""
        meta = pod["metadata"]
        found = self.objects.find("Pod", meta["namespace"], meta["name"])
        return found is None or found["metadata"]["uid"] != meta["uid"] or ending(found)


def _template_on(where: dict[str, Any]) -> Json:
    return {"template": {"spec": {"nodeSelector": where}}}
