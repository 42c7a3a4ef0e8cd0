"""What the package asks for is what it says it asks for, and that is enough."""

import threading
from pathlib import Path
from typing import Any

from jobs.drain.conditions import Stage, Told
from jobs.drain.facts import Controller
from jobs.drain.fence import Claim
from jobs.drain.workloads import REPLICATED
from jobs.kubernetes import (
    Cluster,
    budgets,
    connect,
    events,
    evictions,
    nodes,
    owners,
    pods,
    volumes,
    workloads,
)
from jobs.kubernetes.rights import RIGHTS, Right
from jobs.kubernetes.watching import Watch
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import Scenario, running
from tests.jobs.harness import until
from tests.jobs.rights import user_with

GROUPS = {
    "nodes": "",
    "nodes/status": "",
    "events": "",
    "pods": "",
    "pods/eviction": "",
    "poddisruptionbudgets": "policy",
    "replicationcontrollers": "",
    "replicasets": "apps",
    "statefulsets": "apps",
    "daemonsets": "apps",
    "jobs": "batch",
    "volumeattachments": "storage.k8s.io",
    "persistentvolumeclaims": "",
}


def everything(simulated: Simulated, cluster: Cluster) -> None:
    """Call every public function of the package once."""
    node = nodes.find_node(cluster, "node-1")
    assert node is not None
    claim = Claim(node="node-1", uid=node.uid, operation="op", token=1)
    nodes.cordon(cluster, claim, timeout=5)
    nodes.check_fence(cluster, claim)
    nodes.list_nodes(cluster)
    nodes.tell_thread(cluster, "node-1", "op", "https://acme.slack.com/archives/C01/p1")
    told = Told(node="node-1", uid=node.uid, operation="op", stage=Stage.STARTED, at=1)
    nodes.tell_conditions(cluster, told)
    events.tell_event(cluster, told, instance="test")
    listed, version = pods.list_pods_on(cluster, "node-1")
    for pod in listed:
        if pod.controller is not None:
            owners.find_owner(cluster, pod.namespace, pod.controller)
            if pod.controller.kind in REPLICATED:
                workloads.look_at(cluster, pod.namespace, pod.controller, node="node-1", timeout=5)
    old = Controller(kind="ReplicationController", name="old", uid="u", api_version="v1")
    owners.find_owner(cluster, "shop", old)
    _, changes = budgets.list_budgets(cluster, "shop")
    _open_and_stop(simulated, nodes.watch_nodes(cluster))
    _open_and_stop(simulated, pods.watch_pods_on(cluster, "node-1", version=version))
    _open_and_stop(simulated, budgets.watch_budgets(cluster, "shop", version=changes))
    evictions.evict(cluster, listed[0].ref, timeout=5)
    pods.delete_pod(cluster, listed[1].ref, timeout=5)
    volumes.attachments_on(cluster, "node-1")
    volumes.is_attached(cluster, "csi-1")
    volumes.volume_of(cluster, "shop", "data")
    nodes.uncordon(cluster, claim, timeout=5)


def _open_and_stop(simulated: Simulated, watch: Watch[Any]) -> None:
    # The server may still count the one before, which its client has left already.
    until(lambda: simulated.watches() == 0, what="the end of the watch before")
    thread = threading.Thread(target=lambda: list(watch), daemon=True)
    thread.start()
    until(lambda: simulated.watches() == 1, what="the watch")
    watch.stop()
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_the_rights_are_exactly_those_that_are_used(tmp_path: Path) -> None:
    with running(Scenario(name="guarded", tokens={"t": user_with(RIGHTS)})) as simulated:
        simulated.add_node("node-1")
        for kind in ("Deployment", "StatefulSet", "Job"):
            simulated.add_workload(kind, "shop", kind.lower(), on=["node-1"])
        simulated.add_workload("DaemonSet", "shop", "agent")
        simulated.wait_for(lambda view: len(view.list("pods", "shop", node="node-1")) == 4)
        cluster = connect(str(simulated.kubeconfig(tmp_path / "k", token="t")), pool=4)
        everything(simulated, cluster)
        used = {
            Right(verb, GROUPS[resource], resource)
            for verb, resource in (name.split() for name in simulated.counters())
        }
    assert used == RIGHTS
