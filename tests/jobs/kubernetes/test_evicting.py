from typing import Any

import pytest

from jobs.drain.answers import (
    Accepted,
    AlreadyGone,
    Blocked,
    Busy,
    MissingRight,
    Passing,
    Replaced,
    TwoBudgets,
)
from jobs.kubernetes import Cluster, connect
from jobs.kubernetes.evictions import evict
from jobs.kubernetes.pods import delete_pod, list_pods_on
from jobs.models import PodRef
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import Scenario, User, running


def one_pod(simulated: Simulated, cluster: Cluster, **fields: Any) -> PodRef:
    simulated.add_workload("Deployment", "shop", "web", on=["node-1"], **fields)
    (pod,), _ = list_pods_on(cluster, "node-1")
    return pod.ref


def budget(simulated: Simulated, name: str = "web", **rule: Any) -> None:
    simulated.add_budget("shop", name, match_labels={"app": "web"}, **rule)
    simulated.wait_for(
        lambda view: (
            (found := view.get("poddisruptionbudgets", "shop", name))
            and found["status"].get("expectedPods")
        )
    )


def test_an_eviction_carries_the_uid_and_the_grace(simulated: Simulated, cluster: Cluster) -> None:
    pod = one_pod(simulated, cluster, stop_after=60)
    assert evict(cluster, pod, grace=7, timeout=5) == Accepted()
    (entry,) = simulated.requests()
    assert entry.uid_precondition == pod.uid
    leaving = simulated.get("pods", "shop", pod.name)
    assert leaving is not None
    assert leaving["metadata"]["deletionGracePeriodSeconds"] == 7


def test_without_a_grace_the_pod_keeps_its_own(simulated: Simulated, cluster: Cluster) -> None:
    pod = one_pod(simulated, cluster, grace=11, stop_after=60)
    evict(cluster, pod, timeout=5)
    leaving = simulated.get("pods", "shop", pod.name)
    assert leaving is not None
    assert leaving["metadata"]["deletionGracePeriodSeconds"] == 11


@pytest.mark.parametrize("act", [evict, delete_pod])
def test_the_successor_of_a_pod_is_never_touched(
    simulated: Simulated, cluster: Cluster, act: Any
) -> None:
    simulated.add_workload("StatefulSet", "shop", "db", on=["node-1"])
    (old,), _ = list_pods_on(cluster, "node-1")
    simulated.delete("pods", "shop", "db-0", grace=0)
    new = simulated.wait_for(
        lambda view: [
            found["metadata"]["uid"]
            for found in view.list("pods", "shop")
            if found["metadata"]["uid"] != old.uid
        ]
    )
    assert act(cluster, old.ref, timeout=5) == Replaced()
    still = simulated.get("pods", "shop", "db-0")
    assert still is not None
    assert [still["metadata"]["uid"]] == new
    assert "deletionTimestamp" not in still["metadata"]


@pytest.mark.parametrize("act", [evict, delete_pod])
def test_a_pod_that_is_gone_is_gone(simulated: Simulated, cluster: Cluster, act: Any) -> None:
    simulated.add_namespace("shop")
    assert act(cluster, PodRef(namespace="shop", name="no", uid="x"), timeout=5) == AlreadyGone()


def test_a_budget_that_refuses_is_named_with_its_counts(
    simulated: Simulated, cluster: Cluster
) -> None:
    pod = one_pod(simulated, cluster)
    budget(simulated, min_available=1)
    for dry_run in (False, True):
        answer = evict(cluster, pod, dry_run=dry_run, timeout=5)
        assert isinstance(answer, Blocked)
        assert (answer.budget, answer.needs, answer.has) == ("web", 1, 1)


def test_a_delete_asks_no_budget(simulated: Simulated, cluster: Cluster) -> None:
    pod = one_pod(simulated, cluster)
    budget(simulated, min_available=1)
    assert delete_pod(cluster, pod, timeout=5) == Accepted()
    (entry,) = simulated.requests()
    assert (entry.method, entry.uid_precondition) == ("DELETE", pod.uid)


def test_two_budgets_are_told(simulated: Simulated, cluster: Cluster) -> None:
    pod = one_pod(simulated, cluster)
    budget(simulated, max_unavailable=1)
    budget(simulated, "other", max_unavailable=1)
    assert isinstance(evict(cluster, pod, timeout=5), TwoBudgets)


def test_a_dry_run_changes_nothing(simulated: Simulated, cluster: Cluster) -> None:
    pod = one_pod(simulated, cluster)
    assert evict(cluster, pod, dry_run=True, timeout=5) == Accepted()
    still = simulated.get("pods", "shop", pod.name)
    assert still is not None
    assert "deletionTimestamp" not in still["metadata"]


@pytest.mark.parametrize("act", [evict, delete_pod])
def test_a_throttling_server_is_no_budget(simulated: Simulated, cluster: Cluster, act: Any) -> None:
    pod = one_pod(simulated, cluster)
    simulated.answer_next(
        429, path="/pods/", headers={"Retry-After": "2"}, body={"message": "too many"}
    )
    assert act(cluster, pod, timeout=5) == Busy(2, "too many")


@pytest.mark.parametrize("act", [evict, delete_pod])
def test_what_breaks_on_the_way_is_an_answer_too(
    simulated: Simulated, cluster: Cluster, act: Any
) -> None:
    pod = one_pod(simulated, cluster, stop_after=60)
    simulated.answer_next(500, path="/pods/", body="oops")
    assert isinstance(act(cluster, pod, timeout=5), Passing)
    simulated.cut_next(path="/pods/")
    assert isinstance(act(cluster, pod, timeout=5), Passing)
    simulated.stall_next(30, path="/pods/")
    assert isinstance(act(cluster, pod, timeout=0.2), Passing)
    simulated.cut_all()
    simulated.cut_next(path="/pods/", when="after")
    assert isinstance(act(cluster, pod, timeout=5), Passing)
    # It was carried out, and asking again is harmless.
    assert act(cluster, pod, timeout=5) == Accepted()


def test_a_missing_right_to_evict_is_named(tmp_path: Any) -> None:
    reader = User.allowed("worker", ("list", "pods"))
    with running(Scenario(name="guarded", tokens={"t": reader})) as guarded:
        guarded.add_node("node-1")
        cluster = connect(str(guarded.kubeconfig(tmp_path / "k", token="t")), pool=1)
        answer = evict(cluster, one_pod(guarded, cluster), timeout=5)
        assert isinstance(answer, MissingRight)
        assert answer.right == "create pods/eviction"
