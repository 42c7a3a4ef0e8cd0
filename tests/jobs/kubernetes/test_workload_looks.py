"""A look at a workload: which of its pods serve on other nodes."""

from collections.abc import Sequence
from typing import Any

import pytest

from jobs.drain.facts import Controller
from jobs.drain.workloads import Look
from jobs.kubernetes import Cluster, Temporary, workloads
from jobs.kubernetes.parse import controller
from jobs.kubernetes.workloads import look_at
from sandbox.cluster import Cluster as Simulated


def owner_of(pod: dict[str, Any]) -> Controller:
    found = controller(pod["metadata"])
    assert found is not None
    return found


def look(cluster: Cluster, owner: Controller) -> Look:
    found = look_at(cluster, "shop", owner, node="node-1", timeout=5)
    assert found is not None
    return found


def uids(pods: Sequence[dict[str, Any]], node: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods if pod["spec"]["nodeName"] == node}


def test_the_ready_pods_on_other_nodes_are_found(simulated: Simulated, cluster: Cluster) -> None:
    on = ["node-1", "node-2", "node-2"]
    pods = simulated.add_workload("Deployment", "shop", "web", replicas=3, on=on)
    simulated.add_workload("Deployment", "shop", "api", on=["node-2"], labels={"app": "web"})
    found = look(cluster, owner_of(pods[0]))
    assert (found.kind, found.namespace, found.name) == ("Deployment", "shop", "web")
    assert (found.replicas, found.coming) == (3, 0)
    assert found.ready == uids(pods, "node-2")
    assert simulated.counters()["list pods"] == 1


def test_pods_that_are_not_ready_are_coming_and_those_that_go_are_neither(
    simulated: Simulated, cluster: Cluster
) -> None:
    on = ["node-2"] * 3
    pods = simulated.add_workload(
        "StatefulSet", "shop", "db", replicas=3, on=on, finalizers=("example.com/hold",)
    )
    simulated.switch(statefulset=False)
    simulated.set_ready("shop", "db-0", ready=False)
    simulated.delete("Pod", "shop", "db-1")
    found = look(cluster, owner_of(pods[0]))
    assert (found.kind, found.name, found.coming) == ("StatefulSet", "db", 1)
    assert found.ready == {pods[2]["metadata"]["uid"]}


def test_many_pods_are_read_page_by_page_until_enough_are_ready(
    simulated: Simulated, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workloads, "PAGE", 2)
    monkeypatch.setattr(workloads, "ENOUGH", 3)
    pods = simulated.add_workload("ReplicaSet", "shop", "web", replicas=9, on=["node-2"] * 9)
    assert len(look(cluster, owner_of(pods[0])).ready) == 4
    assert simulated.counters()["list pods"] == 2


def test_a_controller_that_is_gone_or_another_one_by_now_has_no_workload(
    simulated: Simulated, cluster: Cluster
) -> None:
    (pod,) = simulated.add_workload("ReplicaSet", "shop", "web", on=["node-2"])
    known = owner_of(pod)
    for name, uid in (("gone", known.uid), (known.name, "another")):
        other = Controller(kind="ReplicaSet", name=name, uid=uid)
        assert look_at(cluster, "shop", other, node="node-1", timeout=5) is None


def test_pages_that_expire_are_a_look_without_an_answer(
    simulated: Simulated, cluster: Cluster
) -> None:
    (pod,) = simulated.add_workload("ReplicaSet", "shop", "web", on=["node-2"])
    body = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    simulated.answer_next(410, method="GET", path="labelSelector", body=body)
    with pytest.raises(Temporary):
        look(cluster, owner_of(pod))


def test_a_replication_controller_selects_by_its_own_kind_of_selector(
    simulated: Simulated, cluster: Cluster
) -> None:
    old = {
        "apiVersion": "v1", "kind": "ReplicationController",
        "metadata": {"name": "old", "namespace": "shop"},
        "spec": {"replicas": 2, "selector": {"app": "old"}},
    }  # fmt: skip
    simulated.add_workload("Pod", "shop", "other", on=["node-2"])
    made = simulated.create("ReplicationController", "shop", old)
    owner = Controller(
        kind="ReplicationController", name="old", uid=made["metadata"]["uid"], api_version="v1"
    )
    claimed = {"kind": owner.kind, "name": "old", "api_version": "v1", "uid": owner.uid}
    (pod,) = simulated.add_workload(
        "Pod", "shop", "old-1", on=["node-2"], labels={"app": "old"}, owner=claimed
    )
    found = look(cluster, owner)
    assert (found.kind, found.replicas) == ("ReplicationController", 2)
    assert found.ready == {pod["metadata"]["uid"]}
