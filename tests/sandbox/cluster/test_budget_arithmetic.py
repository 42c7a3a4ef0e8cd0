"""The disruption controller's numbers, first as pure functions, then as they come and go."""

from typing import Any

import pytest

from sandbox.cluster import Cluster, View
from sandbox.cluster.budgets import DELETION_TIMEOUT_S, Owner, compute, scaled
from sandbox.cluster.objects import Item
from sandbox.cluster.times import stamp
from tests.sandbox.cluster.http_client import Client, Json, status_of

NOW = 1_800_000_000.0


def pod(number: int, *, ready: bool = True, ending: bool = False, owned: bool = True) -> Item:
    metadata: Json = {"name": f"web-{number}", "namespace": "rec", "uid": str(number)}
    if ending:
        metadata["deletionTimestamp"] = stamp(NOW)
    if owned:
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "rs"}
        metadata["ownerReferences"] = [{**owner, "controller": True}]
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return Item({"metadata": metadata, "status": {"conditions": conditions}}, 1)


def budget(status: Json | None = None, **spec: Any) -> Item:
    metadata = {"name": "web", "namespace": "rec", "uid": "b", "generation": 3}
    return Item({"metadata": metadata, "spec": spec, "status": status or {}}, 1)


def five_wanted(_pod: Item) -> Owner | None:
    return "rs", 5


def numbers(one: Item, pods: list[Item], owner: Any = five_wanted) -> tuple[int, int, int, int]:
    status = compute(one, pods, owner, NOW).body["status"]
    return (
        status["expectedPods"],
        status["currentHealthy"],
        status["desiredHealthy"],
        status["disruptionsAllowed"],
    )


FOUR = [pod(number) for number in range(4)]


@pytest.mark.parametrize(
    ("value", "total", "wanted"),
    [(3, 10, 3), ("50%", 10, 5), ("50%", 3, 2), ("0%", 7, 0), ("100%", 7, 7), ("1%", 3, 1)],
)
def test_percentages_are_rounded_up(value: int | str, total: int, wanted: int) -> None:
    assert scaled(value, total) == wanted


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"minAvailable": 3}, (4, 4, 3, 1)),  # counts the pods that there are
        ({"minAvailable": 9}, (4, 4, 9, 0)),
        ({"minAvailable": "50%"}, (5, 4, 3, 1)),  # counts what their owner wants
        ({"maxUnavailable": 2}, (5, 4, 3, 1)),
        ({"maxUnavailable": "20%"}, (5, 4, 4, 0)),
        ({"maxUnavailable": 9}, (5, 4, 0, 4)),
        ({"maxUnavailable": 0}, (5, 4, 5, 0)),
    ],
)
def test_what_a_budget_allows(spec: Json, wanted: tuple[int, int, int, int]) -> None:
    assert numbers(budget(**spec), FOUR) == wanted


def test_a_budget_that_selects_nothing_allows_nothing() -> None:
    assert numbers(budget(minAvailable=0), []) == (0, 0, 0, 0)
    assert numbers(budget(maxUnavailable=1), []) == (0, 0, 0, 0)


def test_unready_and_ending_pods_are_expected_but_not_healthy() -> None:
    pods = [pod(0), pod(1, ready=False), pod(2, ending=True)]
    assert numbers(budget(minAvailable=1), pods) == (3, 1, 1, 0)


def test_an_evicted_pod_is_not_healthy_until_its_deletion_shows_or_time_is_up() -> None:
    fresh = {"disruptedPods": {"web-0": stamp(NOW - 10)}}
    verdict = compute(budget(fresh, minAvailable=1), FOUR, five_wanted, NOW)
    assert verdict.body["status"]["currentHealthy"] == 3
    assert verdict.recheck_s == pytest.approx(DELETION_TIMEOUT_S - 10, abs=1)

    late = {"disruptedPods": {"web-0": stamp(NOW - DELETION_TIMEOUT_S - 1)}}
    verdict = compute(budget(late, minAvailable=1), FOUR, five_wanted, NOW)
    assert verdict.body["status"]["currentHealthy"] == 4
    assert "disruptedPods" not in verdict.body["status"]
    assert verdict.recheck_s is None


def test_an_evicted_pod_that_ends_or_is_gone_is_no_longer_noted() -> None:
    noted = {"disruptedPods": {"web-0": stamp(NOW), "web-9": stamp(NOW)}}
    pods = [pod(0, ending=True), pod(1)]
    assert (
        "disruptedPods"
        not in compute(budget(noted, minAvailable=1), pods, five_wanted, NOW).body["status"]
    )


def test_pods_without_an_owner_do_not_count_for_a_share() -> None:
    pods = [pod(0), pod(1, owned=False)]
    assert numbers(budget(maxUnavailable=1), pods) == (5, 2, 4, 0)


def test_a_share_of_pods_that_nobody_owns_is_nothing() -> None:
    pods = [pod(0, owned=False), pod(1, owned=False)]
    assert numbers(budget(maxUnavailable="50%"), pods) == (0, 2, 0, 0)


def test_a_budget_whose_scale_is_unknown_allows_nothing_and_says_why() -> None:
    seen = {"observedGeneration": 2, "disruptionsAllowed": 4}
    body = compute(budget(seen, maxUnavailable=1), FOUR, lambda _: None, NOW).body
    assert body["status"]["disruptionsAllowed"] == 0
    assert body["status"]["observedGeneration"] == 2
    (condition,) = body["status"]["conditions"]
    assert (condition["reason"], condition["message"]) == (
        "SyncFailed",
        'found no controllers for pod "web-0"',
    )


def test_the_condition_keeps_its_time_while_its_status_stays() -> None:
    first = compute(budget(minAvailable=1), FOUR, five_wanted, NOW).body
    again = compute(Item(first, 2), FOUR[:3], five_wanted, NOW + 60).body
    assert (
        again["status"]["conditions"][0]["lastTransitionTime"]
        == (first["status"]["conditions"][0]["lastTransitionTime"])
        == stamp(NOW)
    )


def web(cluster: Cluster, replicas: int = 4) -> None:
    cluster.add_workload("Deployment", "rec", "web", replicas=replicas, on=["node-1", "node-2"])


def allowed(view: View, wanted: int) -> bool:
    return status_of(view, "PodDisruptionBudget", "rec", "web").get("disruptionsAllowed") == wanted


def test_a_budget_follows_the_deployment_behind_its_pods(cluster: Cluster) -> None:
    web(cluster)
    cluster.add_budget("rec", "web", max_unavailable="50%", match_labels={"app": "web"})
    cluster.wait_for(lambda view: allowed(view, 2))
    cluster.scale("rec", "web", 8)
    cluster.wait_for(lambda view: allowed(view, 4))
    status = cluster.get("PodDisruptionBudget", "rec", "web")
    assert status is not None
    assert status["status"]["expectedPods"] == 8


def test_a_deployment_counts_and_not_its_replica_set(cluster: Cluster) -> None:
    web(cluster)
    cluster.switch(deployment=False)
    cluster.add_budget("rec", "web", max_unavailable="50%", match_labels={"app": "web"})
    cluster.scale("rec", "web", 6)
    cluster.wait_for(
        lambda view: status_of(view, "PodDisruptionBudget", "rec", "web").get("expectedPods") == 6
    )


def test_a_daemon_sets_share_is_unknown(cluster: Cluster) -> None:
    cluster.add_workload("DaemonSet", "rec", "web")
    cluster.add_budget("rec", "web", max_unavailable=1, match_labels={"app": "web"})
    cluster.wait_for(
        lambda view: status_of(view, "PodDisruptionBudget", "rec", "web").get("conditions")
    )
    found = cluster.get("PodDisruptionBudget", "rec", "web")
    assert found is not None
    assert found["status"]["conditions"][0]["reason"] == "SyncFailed"


def test_a_budget_frees_itself_when_a_pod_becomes_ready(cluster: Cluster) -> None:
    web(cluster, replicas=2)
    cluster.add_budget("rec", "web", min_available=1, match_labels={"app": "web"})
    cluster.wait_for(lambda view: allowed(view, 1))
    name = cluster.list("Pod", "rec")[0]["metadata"]["name"]
    cluster.set_ready("rec", name, ready=False)
    cluster.wait_for(lambda view: allowed(view, 0))
    cluster.set_ready("rec", name, ready=True)
    cluster.wait_for(lambda view: allowed(view, 1))


def test_the_status_follows_after_the_delay_that_is_set(cluster: Cluster, client: Client) -> None:
    web(cluster, replicas=2)
    cluster.add_budget("rec", "web", min_available=1, match_labels={"app": "web"})
    cluster.wait_for(lambda view: allowed(view, 1))
    cluster.set_timing(budget_s=3600)
    cluster.patch("PodDisruptionBudget", "rec", "web", {"spec": {"minAvailable": 0}})
    pod_name = cluster.list("Pod", "rec")[0]["metadata"]["name"]
    answer = client.evict("rec", pod_name)
    assert (answer.status, answer.headers.get("Retry-After")) == (429, "10")


def test_an_eviction_that_was_not_followed_by_a_deletion_lapses(cluster: Cluster) -> None:
    web(cluster, replicas=2)
    cluster.set_timing(disrupted_s=0)
    cluster.add_budget("rec", "web", min_available=1, match_labels={"app": "web"})
    cluster.wait_for(lambda view: allowed(view, 1))
    name = cluster.list("Pod", "rec")[0]["metadata"]["name"]
    charged = {"status": {"disruptedPods": {name: "2026-01-01T00:00:00Z"}}}
    cluster.patch("PodDisruptionBudget", "rec", "web", charged, subresource="status")
    cluster.wait_for(
        lambda view: "disruptedPods" not in status_of(view, "PodDisruptionBudget", "rec", "web")
    )
