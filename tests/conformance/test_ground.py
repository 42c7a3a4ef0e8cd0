"""The suite itself keeps its hands off what is not its own, and leaves a cluster as it was."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.cluster import Cluster, Node, Scenario, running
from tests.conformance import nodes, opening
from tests.conformance.api import Bounded, Bounds, Json, Objects, OutOfBoundsError
from tests.conformance.ground import NODES
from tests.conformance.manifests import pod

ROOT = Path(__file__).parents[2]
RUN = "drainbot-conformance-12345678"


def _of_runs(namespaces: list[Json]) -> list[str]:
    names = (one["metadata"]["name"] for one in namespaces)
    return [name for name in names if name.startswith("drainbot-conformance")]


@contextmanager
def alone(tmp_path: Path, *members: Node) -> Iterator[tuple[Cluster, str]]:
    """An API server with these nodes, and nobody who starts, stops or counts."""
    bare = Scenario(name="alone", nodes=members, controllers=frozenset({"garbage"}))
    with running(bare) as cluster:
        yield cluster, str(cluster.kubeconfig(tmp_path / "kubeconfig"))


def opened(kubeconfig: str) -> None:
    with opening.opened(kubeconfig, patience=60, no_kubelet=0.2):
        pass


def test_with_too_few_disposable_nodes_nothing_is_changed_and_it_says_what_to_do(
    tmp_path: Path,
) -> None:
    some = opening.simulated_nodes(NODES - 1)
    with alone(tmp_path, *some, Node(name="theirs")) as (cluster, kubeconfig):
        with pytest.raises(nodes.UnfitError, match="kubectl label node") as unfit:
            opened(kubeconfig)
        assert f"{NODES} are needed; nothing was changed" in str(unfit.value)
        assert cluster.requests() == ()


@pytest.mark.parametrize("why", ["cordoned", "in use"])
def test_a_disposable_node_that_is_cordoned_or_in_use_is_not_taken(
    tmp_path: Path, why: str
) -> None:
    with alone(tmp_path, *opening.simulated_nodes()) as (cluster, kubeconfig):
        if why == "cordoned":
            cluster.patch("Node", "", "node-2", {"spec": {"unschedulable": True}})
        else:
            cluster.add_workload("Pod", "default", "theirs", on=["node-2"])
        before = cluster.requests()
        with pytest.raises(nodes.UnfitError, match=r"node-2: (it is cordoned|default/theirs)"):
            opened(kubeconfig)
        assert cluster.requests() == before


def test_a_control_plane_without_nodes_gets_its_own_for_the_run(tmp_path: Path) -> None:
    with alone(tmp_path) as (cluster, kubeconfig):
        with opening.opened(kubeconfig, patience=60, no_kubelet=0.2) as ground:
            assert len(cluster.list("Node")) == NODES
            assert ground.name == "control plane"
            pods = ground.workload("ReplicaSet", ground.namespace(), "web", [ground.nodes[0]] * 2)
            assert len(pods) == 2
        assert cluster.list("Node") == []
        cluster.wait_for(lambda view: not _of_runs(view.list("Namespace")))


def test_a_cluster_is_as_it_was_after_a_case_that_failed(tmp_path: Path) -> None:
    with alone(tmp_path, *opening.simulated_nodes()) as (cluster, kubeconfig):
        before = [(n["metadata"].get("annotations"), n["spec"]) for n in cluster.list("Node")]

        def fail() -> None:
            with opening.opened(kubeconfig, patience=60, no_kubelet=0.2) as ground:
                a, namespace = ground.nodes[0], ground.namespace()
                ground.bare(namespace, "held", a, finalizers=["drainbot.dev/conformance"])
                marks = {"drainbot.dev/operation": "x", "karpenter.sh/do-not-disrupt": "true"}
                taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
                spec = {"unschedulable": True, "taints": [taint]}
                patch = {"metadata": {"annotations": marks}, "spec": spec}
                ground.objects.patch("Node", "", a, patch)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        after = [(n["metadata"].get("annotations"), n["spec"]) for n in cluster.list("Node")]
        assert [(notes or {}, spec) for notes, spec in after] == [
            (notes or {}, spec) for notes, spec in before
        ]
        assert [p for p in cluster.list("Pod") if "conformance" in p["metadata"]["namespace"]] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/v1/nodes/theirs"),
        ("DELETE", "/api/v1/nodes/theirs"),
        ("PATCH", "/api/v1/nodes/theirs/status"),
        ("POST", "/api/v1/namespaces/default/pods/x/eviction"),
        ("DELETE", "/api/v1/namespaces/default/pods/x"),
        ("DELETE", "/api/v1/namespaces/default"),
        ("POST", "/apis/apps/v1/namespaces/kube-system/daemonsets"),
        ("DELETE", "/apis/storage.k8s.io/v1/volumeattachments/theirs"),
        ("DELETE", "/api/v1/nodes"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ],
)
def test_what_is_not_the_runs_own_can_not_be_changed(method: str, path: str) -> None:
    bounds = Bounds(RUN, nodes={"node-1"}, namespaces={f"{RUN}-1"})
    with pytest.raises(OutOfBoundsError, match="it was not sent"):
        bounds.check(method, path, {"metadata": {"name": "x"}})
    bounds.check("GET", path, {})


def test_a_request_out_of_bounds_never_leaves_the_process(tmp_path: Path) -> None:
    with alone(tmp_path, *opening.simulated_nodes()) as (cluster, kubeconfig):
        objects = Objects(Bounded(kubeconfig, Bounds(RUN)))
        with pytest.raises(OutOfBoundsError):
            objects.create(pod("default", "x", "node-1"))
        with pytest.raises(OutOfBoundsError):
            objects.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
        assert cluster.requests() == ()


def run(kubeconfig: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The suite as people start it, against the cluster of a kubeconfig."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment.pop("KUBECONFIG", None)
    if kubeconfig:
        environment["KUBECONFIG"] = kubeconfig
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", "-m", "cluster", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


def test_with_m_cluster_it_runs_on_the_kubeconfigs_cluster_and_says_what_it_left_out(
    tmp_path: Path,
) -> None:
    with running(Scenario(name="whole", nodes=opening.simulated_nodes())) as cluster:
        kubeconfig = str(cluster.kubeconfig(tmp_path / "kubeconfig"))
        chosen = "mirror or whose_daemonset_is_gone or selector"
        done = run(kubeconfig, "tests/conformance/test_which_pods.py", "-k", chosen)
        assert done.returncode == 0, done.stdout
        assert "not checked on this cluster" in done.stdout
        assert "under force, because its garbage collector" in done.stdout
        assert any(entry.resource == "pods/eviction" for entry in cluster.requests())


def test_without_a_kubeconfig_m_cluster_says_what_is_missing() -> None:
    done = run(None, "tests/conformance/test_which_pods.py")
    assert done.returncode == 4
    assert "-m cluster needs KUBECONFIG" in done.stdout + done.stderr
