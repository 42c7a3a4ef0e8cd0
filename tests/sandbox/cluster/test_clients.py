"""Real clients against the simulated cluster: kubectl and the official Python client."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client as official
from kubernetes import config, watch

from sandbox.cluster import Cluster, User, demo, nodes, running
from tests.sandbox.cluster.http_client import Client

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not on the PATH"
)


@pytest.fixture
def quick_demo() -> Iterator[Cluster]:
    with running(demo().at_speed(20)) as cluster:
        yield cluster


class Kubectl:
    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(cluster.kubeconfig(folder / "kubeconfig")),
        }

    def __call__(self, *arguments: str, status: int = 0) -> str:
        result = subprocess.run(
            ["kubectl", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == status, result.stderr
        return result.stdout + result.stderr


@pytest.fixture
def kubectl(quick_demo: Cluster, tmp_path: Path) -> Kubectl:
    return Kubectl(quick_demo, tmp_path)


def on(cluster: Cluster, node: str) -> set[str]:
    pods = cluster.list("Pod", node=node)
    return {pod["metadata"]["labels"]["app"] for pod in pods}


@needs_kubectl
def test_kubectl_prints_nodes_pods_and_budgets(kubectl: Kubectl) -> None:
    assert "node-6" in kubectl("get", "nodes")
    assert "v1.36.2" in kubectl("get", "nodes", "-o", "wide")
    pods = kubectl("get", "pods", "--all-namespaces")
    assert "db-0" in pods
    assert "Running" in pods
    assert "db" in kubectl("get", "pdb", "-n", "payments")
    assert "wiki" in kubectl("get", "deployments,replicasets", "-n", "tools")
    everything = json.loads(kubectl("get", "nodes", "-l", "pool in (blue)", "-o", "json"))
    assert [one["metadata"]["name"] for one in everything["items"]] == [
        "node-1",
        "node-2",
        "node-3",
    ]


@needs_kubectl
def test_kubectl_drains_a_node_and_gives_it_back(kubectl: Kubectl, quick_demo: Cluster) -> None:
    assert "cordoned" in kubectl("cordon", "node-3")
    assert "SchedulingDisabled" in kubectl("get", "node", "node-3")
    said = kubectl("drain", "node-3", "--ignore-daemonsets", "--timeout=30s")
    assert "node/node-3 drained" in said
    assert on(quick_demo, "node-3") == {"node-agent"}
    assert "uncordoned" in kubectl("uncordon", "node-3")
    assert "SchedulingDisabled" not in kubectl("get", "node", "node-3")


@needs_kubectl
def test_kubectl_meets_the_budget_that_blocks(kubectl: Kubectl, quick_demo: Cluster) -> None:
    said = kubectl("drain", "node-2", "--ignore-daemonsets", "--timeout=1s", status=1)
    assert "Cannot evict pod as it would violate the pod's disruption budget." in said
    assert on(quick_demo, "node-2") == {"db", "node-agent"}


@needs_kubectl
def test_kubectl_refuses_what_it_must_not_touch(kubectl: Kubectl, quick_demo: Cluster) -> None:
    quick_demo.add_workload("Pod", "tools", "alone", on=["node-6"])
    quick_demo.add_workload("Deployment", "tools", "scratch", on=["node-6"], emptydir=True)
    said = kubectl("drain", "node-6", "--ignore-daemonsets", status=1)
    assert "cannot delete Pods that declare no controller" in said
    assert "cannot delete Pods with local storage" in said
    flags = ("--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=30s")
    kubectl("drain", "node-6", *flags)
    assert on(quick_demo, "node-6") == {"node-agent"}


@needs_kubectl
def test_kubectl_scales_patches_taints_and_deletes(kubectl: Kubectl, quick_demo: Cluster) -> None:
    kubectl("scale", "-n", "shop", "deployment/web", "--replicas=3")
    kubectl("scale", "-n", "payments", "statefulset/db", "--replicas=4")
    quick_demo.wait_for(lambda view: len(view.list("Pod", "shop", labels="app=web")) == 3)
    quick_demo.wait_for(lambda view: view.get("Pod", "payments", "db-3"))
    kubectl("taint", "nodes", "node-1", "example.com/broken=yes:NoSchedule")
    kubectl("label", "node", "node-1", "rack=7")
    kubectl("annotate", "node", "node-1", "note=hello")
    kubectl("patch", "pdb", "db", "-n", "payments", "-p", '{"spec":{"minAvailable":1}}')
    kubectl("delete", "pod", "db-3", "-n", "payments", "--grace-period=0", "--force")
    node = quick_demo.get("Node", "", "node-1")
    assert node is not None
    assert node["metadata"]["labels"]["rack"] == "7"
    assert node["spec"]["taints"][0]["key"] == "example.com/broken"
    assert "db-0" in kubectl("describe", "pod", "db-0", "-n", "payments")
    assert "node-1" in kubectl("describe", "node", "node-1")


# The client's types say that everything may be missing; what is, these tests show anyway.
connect: Any = config.new_client_from_config
follow: Any = watch.Watch


@pytest.fixture
def api(quick_demo: Cluster, tmp_path: Path) -> Iterator[Any]:
    path = quick_demo.kubeconfig(tmp_path / "kubeconfig")
    with connect(str(path)) as client:
        yield client


def test_the_official_client_lists_cordons_evicts_and_watches(
    quick_demo: Cluster, api: Any
) -> None:
    core: Any = official.CoreV1Api(api)
    assert len(core.list_node(label_selector="pool=green").items) == 3
    node = core.patch_node("node-1", {"spec": {"unschedulable": True}})
    assert node.spec.unschedulable
    listed = core.list_pod_for_all_namespaces(field_selector="spec.nodeName=node-1")
    pod = next(one for one in listed.items if one.metadata.labels["app"] == "wiki")
    eviction = official.V1Eviction(
        metadata=official.V1ObjectMeta(name=pod.metadata.name, namespace="tools"),
        delete_options=official.V1DeleteOptions(
            preconditions=official.V1Preconditions(uid=pod.metadata.uid)
        ),
    )
    core.create_namespaced_pod_eviction(pod.metadata.name, "tools", eviction)
    events = follow()
    for event in events.stream(
        core.list_pod_for_all_namespaces,
        field_selector="spec.nodeName=node-1",
        resource_version=listed.metadata.resource_version,
        timeout_seconds=20,
    ):
        if event["type"] == "DELETED" and event["object"].metadata.uid == pod.metadata.uid:
            events.stop()
            break
    else:
        pytest.fail("the evicted pod's end was not told")
    assert quick_demo.get("Pod", "tools", pod.metadata.name) is None


def test_the_official_client_meets_the_budget_with_its_cause(api: Any) -> None:
    core: Any = official.CoreV1Api(api)
    eviction = official.V1Eviction(metadata=official.V1ObjectMeta(name="db-0"))
    with pytest.raises(official.ApiException) as refused:
        core.create_namespaced_pod_eviction("db-0", "payments", eviction)
    assert refused.value.status == 429
    (cause,) = json.loads(str(refused.value.body))["details"]["causes"]
    assert cause["message"] == "The disruption budget db needs 3 healthy pods and has 3 currently"
    policy: Any = official.PolicyV1Api(api)
    budgets = policy.list_namespaced_pod_disruption_budget("payments")
    assert budgets.items[0].status.disruptions_allowed == 0


def test_the_official_client_sends_its_token(tmp_path: Path) -> None:
    scenario = nodes("node-1").model_copy(
        update={"tokens": {"right": User.allowed("reader", ("list", "nodes"))}}
    )
    with running(scenario) as cluster:
        path = cluster.kubeconfig(tmp_path / "kubeconfig", token="right")
        assert path.stat().st_mode & 0o077 == 0
        with connect(str(path)) as api:
            assert len(official.CoreV1Api(api).list_node().items) == 1
            with pytest.raises(official.ApiException) as refused:
                official.CoreV1Api(api).list_pod_for_all_namespaces()
            assert refused.value.status == 403


def test_a_table_is_made_for_those_who_ask_for_one(quick_demo: Cluster) -> None:
    with Client(quick_demo.url) as client:
        accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
        response = client.pool.request("GET", client.url + "/api/v1/nodes", headers=accept)
    table = response.json()
    assert [one["name"] for one in table["columnDefinitions"]][:2] == ["Name", "Status"]
    assert len(table["rows"]) == 6


@needs_kubectl
def test_kubectl_follows_pods_in_columns(kubectl: Kubectl, quick_demo: Cluster) -> None:
    watching = ("get", "pods", "-n", "tools", "-l", "app=wiki", "--watch-only", "-o", "wide")
    process = subprocess.Popen(
        ["kubectl", *watching], env=kubectl.environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            while quick_demo.counters().get("watch pods", 0) == 0:  # pytest's time limit ends this
                pass
            (pod,) = quick_demo.list("Pod", "tools", labels="app=wiki")
            quick_demo.delete("Pod", "tools", pod["metadata"]["name"])
            assert process.stdout is not None
            lines = [process.stdout.readline().split() for _ in range(2)]
        finally:
            process.kill()
    assert lines[0][:3] == ["NAME", "READY", "STATUS"]
    assert lines[1][2] in ("Terminating", "Pending")
