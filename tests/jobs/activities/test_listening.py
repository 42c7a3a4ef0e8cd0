"""The ears of a drain: what they hear, and that none of their threads stays behind."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.activities import listening
from jobs.activities.listening import Ears
from jobs.drain import events as e
from jobs.durable.guard import uptime
from jobs.kubernetes import Cluster as Api
from jobs.kubernetes import Forbidden, connect
from jobs.kubernetes.pods import list_pods_on
from sandbox.cluster import Cluster, Scenario, User, nodes, running
from tests.jobs.harness import until


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        yield cluster


@pytest.fixture
def api(cluster: Cluster, tmp_path: Path) -> Api:
    return connect(str(cluster.kubeconfig(tmp_path / "kubeconfig")), pool=8)


def listeners() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("pods-", "budgets-"))]


def test_they_hear_pods_and_budgets_and_leave_no_thread(cluster: Cluster, api: Api) -> None:
    heard: list[object] = []
    with Ears() as ears:
        _, version = list_pods_on(api, "node-1")
        ears.hear_pods(api, "node-1", version)
        ears.hear_budgets(api, "shop")
        ears.hear_budgets(api, "shop")  # once is enough
        until(lambda: cluster.watches() == 2, what="two watches")
        cluster.add_workload("Pod", "shop", "web", on=["node-1"])
        cluster.add_budget("shop", "web", min_available=1, match_labels={"app": "web"})

        def all_heard() -> bool:
            assert ears.heard.wait(5)
            heard.extend(ears.take())
            kinds = {type(event) for event in heard}
            return {e.PodSeen, e.BudgetsListed, e.BudgetChanged} <= kinds

        until(all_heard)
        assert len(listeners()) == 2
    assert listeners() == []
    until(lambda: cluster.watches() == 0, what="the end of the watches")


def test_a_missing_right_ends_the_drain_with_its_name(tmp_path: Path) -> None:
    user = User.allowed("worker", ("list", "pods"))
    scenario = Scenario(name="few rights", tokens={"secret": user})
    with running(scenario) as cluster:
        api = connect(str(cluster.kubeconfig(tmp_path / "kubeconfig", token="secret")), pool=2)
        with Ears() as ears:
            ears.hear_budgets(api, "shop")
            assert ears.heard.wait(10)
            with pytest.raises(Forbidden) as raised:
                list(ears.take())
    assert raised.value.right == "list poddisruptionbudgets in policy"


def test_an_api_server_that_does_not_answer_holds_nobody_up_for_long(
    cluster: Cluster, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "LAST_WORDS", 0.1)
    cluster.stall_next(3, path="poddisruptionbudgets", times=None)
    with Ears() as ears:
        for namespace in ("a", "b", "c"):
            ears.hear_budgets(api, namespace)
        until(lambda: cluster.counters().get("list poddisruptionbudgets", 0) == 3, what="the lists")
        began = uptime()
    assert uptime() - began < 2
    cluster.clear_faults()
    until(lambda: listeners() == [], what="their own end")
