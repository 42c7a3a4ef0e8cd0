"""Open the ground: a simulated cluster, or the one that a kubeconfig names, whatever it lacks."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from jobs.kubernetes.errors import KubernetesError
from jobs.kubernetes.parse import milliseconds
from sandbox.cluster import Node, Scenario, running
from tests.conformance import manifests, nodes
from tests.conformance.api import Bounded, Bounds, Json, Objects
from tests.conformance.controllers import is_ready
from tests.conformance.ground import NODES, Ground
from tests.conformance.hands import Hands
from tests.conformance.manifests import DISPOSABLE

FRESH = 60  # seconds: a kubelet renews its lease every ten
NO_KUBELET = 6.0  # seconds that a pod is given to start where no kubelet was heard of
A_KUBELET = 180.0  # and where one was: it may have to load the image
REAL_PATIENCE = 180.0


def simulated_nodes(count: int = NODES, *, disposable: bool = True) -> tuple[Node, ...]:
    labels = {DISPOSABLE: "true"} if disposable else {}
    return tuple(Node(name=f"node-{number + 1}", labels=labels) for number in range(count))


@contextmanager
def simulated(folder: Path) -> Iterator[Ground]:
    """A simulated cluster with all of its controllers."""
    with running(Scenario(name="conformance", nodes=simulated_nodes())) as cluster:
        kubeconfig = str(cluster.kubeconfig(folder / "kubeconfig"))
        bounds = Bounds(run_name())
        objects = Objects(Bounded(kubeconfig, bounds))
        names = nodes.choose(objects, NODES)
        bounds.nodes.update(names)
        yield Ground("simulated", kubeconfig, objects, bounds, names)


@contextmanager
def control_plane(folder: Path) -> Iterator[Ground]:
    """A simulated API server alone, opened as a real one is: nothing starts, stops or counts.

    Beside the disposable nodes it has one that is not, with somebody's pod.
    """
    theirs = Node(name="theirs")
    scenario = Scenario(
        name="conformance",
        nodes=(*simulated_nodes(), theirs),
        controllers=frozenset({"garbage"}),  # ends namespaces
    )
    with running(scenario) as cluster:
        cluster.add_workload("Pod", "default", "theirs", on=["theirs"])
        kubeconfig = str(cluster.kubeconfig(folder / "kubeconfig"))
        with opened(kubeconfig, patience=60.0, no_kubelet=0.3) as ground:
            yield ground
        assert cluster.get("Pod", "default", "theirs") is not None


def run_name() -> str:
    """A name that no other run has."""
    return f"drainbot-conformance-{secrets.token_hex(4)}"


@contextmanager
def opened(
    kubeconfig: str, *, patience: float = REAL_PATIENCE, no_kubelet: float = NO_KUBELET
) -> Iterator[Ground]:
    """Open the cluster of a kubeconfig; at the end everything is as it was, also after a failure.

    Raises UnfitError, before anything is changed, if it has too few disposable nodes.
    """
    bounds = Bounds(run_name())
    objects = Objects(Bounded(kubeconfig, bounds))
    with ExitStack() as stack:
        names, made = _nodes(objects, bounds)
        if made:
            stack.callback(nodes.remove, objects, names)
        remembered = [nodes.remember(objects, name) for name in names]
        ground = Ground("cluster", kubeconfig, objects, bounds, names, patience=patience)
        for was in remembered:
            stack.callback(nodes.put_back, objects, was)
        stack.callback(_clear_all, ground)
        probe = _Probe(ground, no_kubelet)
        runs, ground.collector = probe.runs(), probe.controllers()
        ground.kubelet = runs and probe.kubelet()
        if not runs:
            ground.name = "control plane"
            for name in names:
                nodes.heartbeat(objects, name)
        hands = Hands(
            Objects(Bounded(kubeconfig, bounds)), bounds,
            kubelet=not runs, controllers=not ground.collector,
        )  # fmt: skip
        ground.hands = stack.enter_context(hands)
        _clear_all(ground)  # the probe's
        # Hands go before what they help to clear: they are told to stop last.
        stack.callback(_clear_all, ground)
        yield ground


def _nodes(objects: Objects, bounds: Bounds) -> tuple[tuple[str, ...], bool]:
    """The nodes to use, and whether they were made: only where there is no node at all."""
    if objects.listed("Node"):
        names, made = nodes.choose(objects, NODES), False
    else:
        names, made = tuple(f"{bounds.run}-{n}" for n in range(NODES)), True
    bounds.nodes.update(names)
    if made:
        nodes.make(objects, names)
    return names, made


def _clear_all(ground: Ground) -> None:
    for namespace in sorted(ground.bounds.namespaces):
        ground.clear(namespace)


class _Probe:
    """Finds out what the cluster has, by what it does."""

    def __init__(self, ground: Ground, no_kubelet: float) -> None:
        self._ground = ground
        self._objects = ground.objects
        self._wait = no_kubelet
        self._namespace = self._begin()

    def _begin(self) -> str:
        ground = self._ground
        ground.hands = None
        name = ground.namespace()
        account = {"namespace": name, "name": "default"}
        body = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": account}
        if not self._within(5.0 * self._wait / NO_KUBELET, lambda: self._account(name)):
            _unless_refused(lambda: self._objects.create(body))
        self._objects.create(manifests.pod(name, "probe", ground.nodes[0], gated=True))
        # No pods, so that it may be left to whoever counts.
        self._objects.create(manifests.workload("ReplicaSet", name, "probe-owner", 0))
        return name

    def _account(self, namespace: str) -> bool:
        try:
            return self._objects.find("ServiceAccount", namespace, "default") is not None
        except KubernetesError:
            return False

    def runs(self) -> bool:
        """Whether a pod starts."""
        patience = A_KUBELET if self._heard_of() else self._wait
        return self._within(patience, lambda: self._phase() == "Running")

    def kubelet(self) -> bool:
        """Whether a real kubelet did that: it waits for a pod's readiness gate, others do not.

        What fakes kubelets (KWOK, the simulated cluster) leaves a pod's status to whoever writes.
        """
        return not self._within(2.0, lambda: is_ready(self._pod()))

    def controllers(self) -> bool:
        """Whether anybody looks at an owner."""

        def look() -> bool:
            owner = self._objects.get("ReplicaSet", self._namespace, "probe-owner")
            return bool((owner.get("status") or {}).get("observedGeneration"))

        return self._within(self._wait, look)

    def _pod(self) -> Json:
        return self._objects.get("Pod", self._namespace, "probe")

    def _phase(self) -> str:
        return str((self._pod().get("status") or {}).get("phase", ""))

    def _heard_of(self) -> bool:
        """Whether a kubelet has renewed its node's lease of late."""
        try:
            lease = self._objects.find("Lease", "kube-node-lease", self._ground.nodes[0])
        except KubernetesError:
            return False
        renewed = milliseconds(((lease or {}).get("spec") or {}).get("renewTime")) / 1000
        return time.time() - renewed < FRESH

    @staticmethod
    def _within(seconds: float, look: Callable[[], bool]) -> bool:
        end = time.monotonic() + seconds
        while not look():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True


def _unless_refused(act: Callable[[], object]) -> None:
    try:
        act()
    except KubernetesError:
        return  # it is there, or the server does without


def from_environment() -> str:
    """The kubeconfig of the cluster that somebody wants the suite to run on."""
    return os.environ.get("KUBECONFIG", "")
