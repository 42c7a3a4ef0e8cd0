import pytest

from sandbox.cluster import Cluster, OwnerRef, View
from tests.sandbox.cluster.http_client import Client, Json, bare_pod, status_of, wait_until_ready

OUT_OF_SERVICE = {
    "key": "node.kubernetes.io/out-of-service",
    "value": "nodeshutdown",
    "effect": "NoExecute",
}


def gone(view: View, name: str) -> bool:
    return view.get("Pod", "rec", name) is None


def taints(cluster: Cluster, node: str = "node-1") -> list[str]:
    found = cluster.get("Node", "", node)
    assert found is not None
    return keys(found)


def wait_for_taints(cluster: Cluster, *wanted: str, node: str = "node-1") -> None:
    def tainted(view: View) -> bool:
        found = view.get("Node", "", node)
        return found is not None and set(keys(found)) == set(wanted)

    cluster.wait_for(tainted)


def keys(node: Json) -> list[str]:
    return [taint["key"].rpartition("/")[2] for taint in node["spec"].get("taints", ())]


def test_a_pod_ends_after_its_own_time_and_not_before(cluster: Cluster, client: Client) -> None:
    cluster.create("Pod", "rec", bare_pod("quick", stop_after="0"))
    cluster.create("Pod", "rec", bare_pod("slow", stop_after="3600"))
    wait_until_ready(cluster, "rec", "quick", "slow")
    for name in ("slow", "quick"):
        assert client.evict("rec", name).status == 201
    cluster.wait_for(lambda view: gone(view, "quick"))
    assert cluster.get("Pod", "rec", "slow") is not None


def test_the_grace_ends_a_pod_that_would_not_stop(cluster: Cluster, client: Client) -> None:
    cluster.create("Pod", "rec", bare_pod("stubborn", stop_after="inf"))
    wait_until_ready(cluster, "rec", "stubborn")
    assert client.evict("rec", "stubborn", gracePeriodSeconds=1).status == 201
    cluster.wait_for(lambda view: gone(view, "stubborn"))


def test_a_shorter_grace_brings_the_end_nearer(cluster: Cluster, client: Client) -> None:
    cluster.create("Pod", "rec", bare_pod("stubborn", stop_after="inf"))
    wait_until_ready(cluster, "rec", "stubborn")
    assert client.evict("rec", "stubborn", gracePeriodSeconds=3600).status == 201
    assert client.evict("rec", "stubborn", gracePeriodSeconds=1).status == 201
    cluster.wait_for(lambda view: gone(view, "stubborn"))


def test_a_pod_with_a_finalizer_stays_until_it_is_taken_away(
    cluster: Cluster, client: Client
) -> None:
    cluster.add_workload("Pod", "rec", "held", on=["node-1"], finalizers=["example.com/hold"])
    assert client.evict("rec", "held").status == 201

    def stopped(view: View) -> bool:
        pod = view.get("Pod", "rec", "held")
        return pod is not None and pod["metadata"].get("deletionGracePeriodSeconds") == 0

    cluster.wait_for(stopped)
    cluster.patch("Pod", "rec", "held", {"metadata": {"finalizers": None}})
    assert cluster.get("Pod", "rec", "held") is None


def test_a_pod_that_completes_has_succeeded(cluster: Cluster) -> None:
    cluster.add_workload("Pod", "rec", "once", complete_after=0.01)
    cluster.wait_for(lambda view: status_of(view, "Pod", "rec", "once")["phase"] == "Succeeded")
    pod = cluster.get("Pod", "rec", "once")
    assert pod is not None
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


def test_a_silent_node_neither_starts_nor_stops_pods(cluster: Cluster, client: Client) -> None:
    cluster.create("Pod", "rec", bare_pod("running"))
    wait_until_ready(cluster, "rec", "running")
    cluster.switch(taint_eviction=False)
    cluster.set_node_ready("node-1", ready=False)
    cluster.create("Pod", "rec", bare_pod("new"))
    cluster.create("Pod", "rec", bare_pod("elsewhere", node="node-2"))
    assert client.evict("rec", "running").status == 201
    wait_until_ready(cluster, "rec", "elsewhere")
    assert cluster.get("Pod", "rec", "running") is not None
    pod = cluster.get("Pod", "rec", "new")
    assert pod is not None
    assert pod["status"]["phase"] == "Pending"

    cluster.set_node_ready("node-1", ready=True)
    cluster.wait_for(lambda view: gone(view, "running"))
    wait_until_ready(cluster, "rec", "new")


def test_the_kubelet_can_be_switched_off_and_on(cluster: Cluster) -> None:
    cluster.switch(kubelet=False)
    cluster.create("Pod", "rec", bare_pod("pod-1"))
    assert status_of_now(cluster, "pod-1")["phase"] == "Pending"
    cluster.switch(kubelet=True)
    wait_until_ready(cluster, "rec", "pod-1")


def status_of_now(cluster: Cluster, name: str) -> Json:
    pod = cluster.get("Pod", "rec", name)
    assert pod is not None
    status: Json = pod["status"]
    return status


def test_a_cordon_taints_the_node_a_moment_later_and_an_uncordon_cleans_it(
    cluster: Cluster, client: Client
) -> None:
    answer = client.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
    wait_for_taints(cluster, "unschedulable")
    now = client.get("/api/v1/nodes/node-1").body["metadata"]["resourceVersion"]
    assert int(now) > int(answer.body["metadata"]["resourceVersion"])
    client.patch("/api/v1/nodes/node-1", {"spec": {"unschedulable": None}})
    wait_for_taints(cluster)


def test_a_silent_node_is_tainted_and_keeps_the_taints_of_others(cluster: Cluster) -> None:
    own = {"key": "example.com/mine", "effect": "NoSchedule"}
    cluster.patch("Node", "", "node-1", {"spec": {"taints": [own]}})
    cluster.set_node_ready("node-1", ready=False)
    wait_for_taints(cluster, "mine", "unreachable")
    assert taints(cluster) == ["mine", "unreachable", "unreachable"]
    cluster.set_node_ready("node-1", ready=True)
    wait_for_taints(cluster, "mine")


def test_pods_bear_a_silent_node_for_as_long_as_they_tolerate_it(cluster: Cluster) -> None:
    for name, seconds in (("impatient", 0), ("patient", 3600)):
        toleration = {
            "key": "node.kubernetes.io/unreachable",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": seconds,
        }
        cluster.create("Pod", "rec", bare_pod(name, tolerations=[toleration]))
    wait_until_ready(cluster, "rec", "impatient", "patient")
    cluster.set_node_ready("node-1", ready=False)

    def leaves(view: View) -> bool:
        pod = view.get("Pod", "rec", "impatient")
        return pod is not None and "deletionTimestamp" in pod["metadata"]

    cluster.wait_for(leaves)
    patient = cluster.get("Pod", "rec", "patient")
    assert patient is not None
    assert "deletionTimestamp" not in patient["metadata"]


def test_a_dead_node_that_is_out_of_service_loses_its_pods_and_they_come_back_elsewhere(
    cluster: Cluster,
) -> None:
    cluster.add_workload("StatefulSet", "rec", "db", replicas=1, on=["node-1"])
    before = cluster.get("Pod", "rec", "db-0")
    assert before is not None
    cluster.set_node_ready("node-1", ready=False)
    wait_for_taints(cluster, "unreachable")
    present = cluster.get("Node", "", "node-1")
    assert present is not None
    both = [*present["spec"]["taints"], OUT_OF_SERVICE]
    cluster.patch("Node", "", "node-1", {"spec": {"taints": both}})

    def back(view: View) -> bool:
        pod = view.get("Pod", "rec", "db-0")
        return (
            pod is not None
            and pod["metadata"]["uid"] != before["metadata"]["uid"]
            and pod["spec"].get("nodeName") in ("node-2", "node-3")
        )

    cluster.wait_for(back)


def test_a_node_that_answers_keeps_its_ending_pods_even_out_of_service(
    cluster: Cluster, client: Client
) -> None:
    tolerant = bare_pod("pod-1", stop_after="inf", tolerations=[{"operator": "Exists"}])
    cluster.create("Pod", "rec", tolerant)
    wait_until_ready(cluster, "rec", "pod-1")
    cluster.patch("Node", "", "node-1", {"spec": {"taints": [OUT_OF_SERVICE]}})
    assert client.evict("rec", "pod-1", gracePeriodSeconds=3600).status == 201
    cluster.patch("Node", "", "node-1", {"metadata": {"labels": {"looked": "at"}}})
    cluster.add_workload("Pod", "rec", "later")
    wait_until_ready(cluster, "rec", "later")
    assert cluster.get("Pod", "rec", "pod-1") is not None


def test_the_pods_of_a_deleted_node_are_removed(cluster: Cluster, client: Client) -> None:
    cluster.create("Pod", "rec", bare_pod("orphan", stop_after="inf"))
    wait_until_ready(cluster, "rec", "orphan")
    cluster.set_timing(node_gone_s=0.01)
    answer = client.ask("DELETE", "/api/v1/nodes/node-1")
    assert (answer.status, answer.body["status"]) == (200, "Success")
    cluster.wait_for(lambda view: gone(view, "orphan"))


def test_a_node_can_come_back_under_another_uid(cluster: Cluster, client: Client) -> None:
    before = client.get("/api/v1/nodes/node-1").body["metadata"]["uid"]
    cluster.delete("Node", "", "node-1")
    assert client.get("/api/v1/nodes/node-1").status == 404
    cluster.add_node("node-1")
    assert client.get("/api/v1/nodes/node-1").body["metadata"]["uid"] != before


def test_a_deleted_namespace_is_emptied_and_then_gone(cluster: Cluster, client: Client) -> None:
    cluster.add_workload("Deployment", "team", "web", replicas=2, on=["node-1"])
    cluster.add_budget("team", "web", min_available=2, match_labels={"app": "web"})
    answer = client.ask("DELETE", "/api/v1/namespaces/team")
    assert answer.body["status"]["phase"] == "Terminating"
    cluster.wait_for(lambda view: view.get("Namespace", "", "team") is None)
    assert cluster.list("Pod", "team") == []
    assert cluster.list("Deployment", "team") == []


def test_a_pod_can_claim_an_owner_that_nobody_knows(cluster: Cluster) -> None:
    owner = OwnerRef(kind="Rocket", name="saturn", api_version="space.example.com/v1")
    (pod,) = cluster.add_workload("Pod", "rec", "stage", on=["node-1"], owner=owner)
    (reference,) = pod["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["controller"]) == ("Rocket", True)


@pytest.mark.parametrize("speed", [100.0])
def test_everything_is_faster_at_a_higher_speed(cluster: Cluster, speed: float) -> None:
    cluster.set_timing(speed=speed)
    cluster.add_workload("Pod", "rec", "pod-1", start_after=5, stop_after=20)
    wait_until_ready(cluster, "rec", "pod-1")
    cluster.delete("Pod", "rec", "pod-1")
    cluster.wait_for(lambda view: gone(view, "pod-1"), within_s=5)
