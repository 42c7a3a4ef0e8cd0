from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox.cluster import Cluster, View
from sandbox.cluster.objects import Item
from sandbox.cluster.quantities import Requests, milli, units
from sandbox.cluster.scheduling import place, tolerates
from tests.sandbox.cluster.http_client import Client, Json, status_of, wait_until_ready

ON = ["node-1", "node-2"]


def names(cluster: Cluster, **query: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.list("Pod", "rec", **query)]


def running(view: View, count: int, labels: str = "") -> bool:
    pods = view.list("Pod", "rec", labels=labels)
    return len(pods) == count and all(
        pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        for pod in pods
    )


def test_a_replica_set_replaces_a_pod_while_it_still_ends(cluster: Cluster, client: Client) -> None:
    pods = cluster.add_workload(
        "ReplicaSet", "rec", "web", replicas=2, on=ON, stop_after=float("inf"), grace=3600
    )
    evicted = pods[0]["metadata"]["name"]
    assert client.evict("rec", evicted).status == 201
    cluster.wait_for(lambda view: len(view.list("Pod", "rec")) == 3)
    assert evicted in names(cluster)


def test_the_replacement_avoids_the_cordoned_node(cluster: Cluster, client: Client) -> None:
    pods = cluster.add_workload("Deployment", "rec", "web", replicas=4, on=["node-1"])
    client.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
    for pod in pods:
        assert client.evict("rec", pod["metadata"]["name"]).status == 201
    cluster.wait_for(lambda view: running(view, 4))
    assert names(cluster, node="node-1") == []


def test_a_stateful_set_waits_for_the_end_and_keeps_the_name(
    cluster: Cluster, client: Client
) -> None:
    cluster.add_workload("StatefulSet", "rec", "db", replicas=3, on=ON, stop_after=float("inf"))
    before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in cluster.list("Pod", "rec")}
    assert client.evict("rec", "db-1", gracePeriodSeconds=3600).status == 201
    cluster.add_workload("Pod", "rec", "other")
    wait_until_ready(cluster, "rec", "other")
    assert names(cluster) == ["db-0", "db-1", "db-2", "other"]
    cluster.delete("Pod", "rec", "db-1", grace=0)
    wait_until_ready(cluster, "rec", "db-1")
    after = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in cluster.list("Pod", "rec")}
    assert before["db-1"] != after["db-1"]
    assert before["db-0"] == after["db-0"]


def test_a_stateful_sets_pods_come_back_in_order(cluster: Cluster) -> None:
    cluster.switch(kubelet=False)
    cluster.add_workload("StatefulSet", "rec", "db", replicas=2)
    cluster.wait_for(lambda view: view.get("Pod", "rec", "db-0") is not None)
    cluster.add_workload("ReplicaSet", "rec", "web", replicas=1)
    cluster.wait_for(lambda view: view.list("Pod", "rec", labels="app=web"))
    assert names(cluster, labels="app=db") == ["db-0"]  # db-1 waits for it
    cluster.switch(kubelet=True)
    wait_until_ready(cluster, "rec", "db-0", "db-1")


def test_a_parallel_stateful_set_does_not_wait(cluster: Cluster) -> None:
    cluster.switch(kubelet=False)
    cluster.add_workload("StatefulSet", "rec", "db", replicas=3, parallel=True)
    cluster.wait_for(lambda view: len(view.list("Pod", "rec")) == 3)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_workloads_can_be_scaled_up_and_down(kind: str, cluster: Cluster) -> None:
    cluster.add_workload(kind, "rec", "web", replicas=2, on=ON)  # type: ignore[arg-type]
    cluster.scale("rec", "web", 4)
    cluster.wait_for(lambda view: running(view, 4))
    cluster.scale("rec", "web", 1)
    cluster.wait_for(lambda view: running(view, 1))
    cluster.wait_for(lambda view: status_of(view, kind, "rec", "web").get("readyReplicas") == 1)
    if kind == "StatefulSet":
        assert names(cluster) == ["web-0"]


def test_what_is_not_ready_goes_first_when_there_are_too_many(cluster: Cluster) -> None:
    pods = cluster.add_workload("ReplicaSet", "rec", "web", replicas=3, on=ON)
    sick = pods[2]["metadata"]["name"]
    cluster.set_ready("rec", sick, ready=False)
    cluster.scale("rec", "web", 2)
    cluster.wait_for(lambda view: running(view, 2))
    assert sick not in names(cluster)


def test_a_daemon_sets_pod_comes_back_on_its_cordoned_node(
    cluster: Cluster, client: Client
) -> None:
    pods = cluster.add_workload("DaemonSet", "rec", "agent")
    assert [pod["spec"]["nodeName"] for pod in pods] == ["node-1", "node-2", "node-3"]
    client.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
    assert client.evict("rec", pods[0]["metadata"]["name"]).status == 201

    def another(view: View) -> bool:
        found = view.list("Pod", "rec", node="node-1")
        return (
            len(found) == 1
            and found[0]["metadata"]["uid"] != pods[0]["metadata"]["uid"]
            and found[0]["status"]["phase"] == "Running"
        )

    cluster.wait_for(another)


def test_a_daemon_set_follows_the_nodes(cluster: Cluster) -> None:
    cluster.add_workload("DaemonSet", "rec", "agent")
    cluster.add_node("node-4")
    cluster.wait_for(lambda view: running(view, 4))
    cluster.wait_for(
        lambda view: status_of(view, "DaemonSet", "rec", "agent").get("numberReady") == 4
    )


def test_a_job_replaces_an_evicted_pod_and_ends_when_enough_have_succeeded(
    cluster: Cluster, client: Client
) -> None:
    pods = cluster.add_workload("Job", "rec", "sums", replicas=2, on=ON)
    labels = pods[0]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == "sums"
    assert client.evict("rec", pods[0]["metadata"]["name"]).status == 201
    cluster.wait_for(lambda view: running(view, 2))
    cluster.switch(kubelet=False)
    for name in names(cluster):
        cluster.patch("Pod", "rec", name, {"status": {"phase": "Succeeded"}}, subresource="status")
    cluster.wait_for(lambda view: status_of(view, "Job", "rec", "sums").get("completionTime"))
    assert len(names(cluster)) == 2


def test_statuses_of_owners_tell_how_many_are_ready(cluster: Cluster) -> None:
    pods = cluster.add_workload("Deployment", "rec", "web", replicas=3, on=ON)
    cluster.wait_for(
        lambda view: status_of(view, "Deployment", "rec", "web").get("readyReplicas") == 3
    )
    cluster.set_ready("rec", pods[0]["metadata"]["name"], ready=False)
    cluster.wait_for(
        lambda view: status_of(view, "Deployment", "rec", "web").get("readyReplicas") == 2
    )
    found = cluster.get("Deployment", "rec", "web")
    assert found is not None
    assert found["status"]["unavailableReplicas"] == 1
    assert found["status"]["observedGeneration"] == 1


def test_a_deleted_owner_takes_its_pods_along(cluster: Cluster, client: Client) -> None:
    cluster.add_workload("Deployment", "rec", "web", replicas=3, on=ON)
    answer = client.ask("DELETE", "/apis/apps/v1/namespaces/rec/deployments/web")
    assert answer.body["details"]["kind"] == "deployments"
    cluster.wait_for(lambda view: not view.list("Pod", "rec"))
    assert cluster.list("ReplicaSet", "rec") == []


def test_the_scale_subresource_reads_and_writes(cluster: Cluster, client: Client) -> None:
    cluster.add_workload("Deployment", "rec", "web", replicas=2, on=ON)
    path = "/apis/apps/v1/namespaces/rec/deployments/web/scale"
    found = client.get(path).body
    assert (found["kind"], found["spec"], found["status"]["selector"]) == (
        "Scale",
        {"replicas": 2},
        "app=web",
    )
    stale = {**found, "metadata": {**found["metadata"], "resourceVersion": "1"}}
    assert client.ask("PUT", path, stale).status == 409
    assert client.ask("PUT", path, {**found, "spec": {"replicas": 3}}).status in (200, 409)
    assert client.patch(path, {"spec": {"replicas": 1}}).body["spec"] == {"replicas": 1}
    assert client.patch(path, {"spec": {"replicas": -1}}).status == 422
    cluster.wait_for(lambda view: running(view, 1))


# The scheduler


def condition(cluster: Cluster, name: str) -> Json:
    pod = cluster.get("Pod", "rec", name)
    assert pod is not None
    (found,) = [one for one in pod["status"].get("conditions", ()) if one["type"] == "PodScheduled"]
    answer: Json = found
    return answer


def unschedulable(view: View, name: str) -> bool:
    conditions = status_of(view, "Pod", "rec", name).get("conditions", ())
    return any(one.get("reason") == "Unschedulable" for one in conditions)


def test_a_pod_that_fits_nowhere_says_why_and_is_bound_when_there_is_room(
    cluster: Cluster, client: Client
) -> None:
    client.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
    cluster.add_workload("Pod", "rec", "large", requests={"cpu": "100"})
    cluster.wait_for(lambda view: unschedulable(view, "large"))
    assert condition(cluster, "large")["message"] == (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    )
    cluster.add_node("node-4", cpu="128")
    wait_until_ready(cluster, "rec", "large")
    assert names(cluster, node="node-4") == ["large"]


def test_a_pod_that_waits_for_a_cordoned_cluster_is_bound_after_an_uncordon(
    cluster: Cluster, client: Client
) -> None:
    for number in (1, 2, 3):
        client.patch(f"/api/v1/nodes/node-{number}", {"spec": {"unschedulable": True}})
    cluster.add_workload("Pod", "rec", "waiting")
    cluster.wait_for(lambda view: unschedulable(view, "waiting"))
    assert condition(cluster, "waiting")["message"] == (
        "0/3 nodes are available: 3 node(s) were unschedulable."
    )
    client.patch("/api/v1/nodes/node-2", {"spec": {"unschedulable": None}})
    wait_until_ready(cluster, "rec", "waiting")
    assert names(cluster, node="node-2") == ["waiting"]


def test_room_that_a_pod_leaves_is_used_again(cluster: Cluster) -> None:
    for number in (1, 2, 3):
        cluster.add_workload("Pod", "rec", f"first-{number}", requests={"cpu": "5"})
    wait_until_ready(cluster, "rec", "first-1", "first-2", "first-3")
    cluster.add_workload("Pod", "rec", "second", requests={"cpu": "5"})
    cluster.wait_for(lambda view: unschedulable(view, "second"))
    cluster.delete("Pod", "rec", "first-2")
    wait_until_ready(cluster, "rec", "second")


def test_pods_are_spread_over_the_nodes(cluster: Cluster) -> None:
    cluster.add_workload("Deployment", "rec", "web", replicas=9)
    cluster.wait_for(lambda view: running(view, 9))
    nodes = Counter(pod["spec"]["nodeName"] for pod in cluster.list("Pod", "rec"))
    assert set(nodes.values()) == {3}


def node(name: str, **spec: object) -> Item:
    capacity = {"cpu": "4", "memory": "8Gi", "pods": "2"}
    return Item({"metadata": {"name": name}, "spec": spec, "status": {"allocatable": capacity}}, 1)


SMALL = Requests(100, 1000)


@pytest.mark.parametrize(
    ("spec", "asked", "used", "message"),
    [
        ({}, SMALL, Requests(0, 0, 2), "Too many pods"),
        ({}, Requests(5000, 0), Requests(0, 0, 0), "Insufficient cpu"),
        ({}, Requests(0, 2**40), Requests(0, 0, 0), "Insufficient memory"),
        ({"unschedulable": True}, SMALL, Requests(0, 0, 0), "node(s) were unschedulable"),
        (
            {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
            SMALL,
            Requests(0, 0, 0),
            "node(s) had untolerated taint {gpu: yes}",
        ),
    ],
)
def test_the_reason_is_in_the_schedulers_words(
    spec: Json, asked: Requests, used: Requests, message: str
) -> None:
    fit = place({}, asked, [node("a", **spec)], lambda _: used)
    assert fit.node is None
    assert fit.message == f"0/1 nodes are available: 1 {message}."


def test_a_wanted_node_that_is_not_there_is_a_reason() -> None:
    fit = place({"nodeSelector": {"disk": "ssd"}}, SMALL, [node("a")], lambda _: Requests(0, 0, 0))
    assert "1 node(s) didn't match Pod's node affinity/selector" in fit.message


def test_no_nodes_at_all_are_a_reason() -> None:
    assert place({}, SMALL, [], lambda _: SMALL).message == "no nodes available to schedule pods"


@pytest.mark.parametrize(
    ("toleration", "wanted"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "gpu", "value": "yes"}, True),
        ({"key": "gpu", "value": "no"}, False),
        ({"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}, True),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations(toleration: Json, wanted: bool) -> None:  # noqa: FBT001  the table's column
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    assert tolerates({"tolerations": [toleration]}, taint) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("250m", 250), ("2", 2000), ("0.5", 500), ("1e1", 10_000), ("1n", 1), (3, 3000)],
)
def test_cpu_quantities(text: str | int, wanted: int) -> None:
    assert milli(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("1Gi", 2**30), ("128Mi", 2**27), ("1k", 1000), ("1500m", 2), ("7", 7)]
)
def test_memory_quantities(text: str, wanted: int) -> None:
    assert units(text) == wanted


def test_a_quantity_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        units("much")


@given(some.lists(some.integers(0, 3000), max_size=8), some.integers(1, 4))
def test_no_node_is_ever_overbooked(pods: list[int], count: int) -> None:
    nodes = [node(f"node-{number}") for number in range(count)]
    used = {one.key.name: Requests(0, 0, 0) for one in nodes}
    for cpu_m in pods:
        fit = place({}, Requests(cpu_m, 0), nodes, used.__getitem__)
        if fit.node:
            used[fit.node] = used[fit.node].plus(Requests(cpu_m, 0))
    assert all(one.cpu_m <= 4000 and one.pods <= 2 for one in used.values())
