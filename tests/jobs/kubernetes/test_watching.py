import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobs.kubernetes import Cluster, KubernetesError, NotFound, Temporary
from jobs.kubernetes.budgets import list_budgets, watch_budgets
from jobs.kubernetes.nodes import watch_nodes
from jobs.kubernetes.pods import list_pods_on, watch_pods_on
from jobs.kubernetes.watching import Changed, Listed, Removed, Watch
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import running


class Heard:
    """What a watch said, in a thread of its own."""

    def __init__(self, watch: Watch[Any]) -> None:
        self.watch = watch
        self.events: queue.Queue[Any] = queue.Queue()
        self.error: KubernetesError | None = None
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        try:
            for event in self.watch:
                self.events.put(event)
        except KubernetesError as error:
            self.error = error

    def next(self, kind: type) -> Any:
        """Return the next event of that kind; others in between are passed over."""
        while True:
            event = self.events.get(timeout=60)
            if isinstance(event, kind):
                return event

    def until(self, true: Callable[[Any], bool]) -> Any:
        while True:
            event = self.events.get(timeout=60)
            if true(event):
                return event


@contextmanager
def listening(watch: Watch[Any]) -> Iterator[Heard]:
    heard = Heard(watch)
    try:
        yield heard
    finally:
        watch.stop()
        heard.thread.join(timeout=60)
        assert not heard.thread.is_alive()


def web(simulated: Simulated, replicas: int = 1, **fields: Any) -> list[str]:
    pods = simulated.add_workload(
        "Deployment", "shop", "web", replicas=replicas, on=["node-1"], **fields
    )
    return [pod["metadata"]["name"] for pod in pods]


def test_a_watch_begins_with_a_list_and_tells_what_changes(
    simulated: Simulated, cluster: Cluster
) -> None:
    (name,) = web(simulated)
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        (pod,) = heard.next(Listed).items
        assert pod.name == name
        simulated.patch("nodes", "", "node-1", {"spec": {"unschedulable": True}})
        simulated.delete("pods", "shop", name)
        assert heard.until(lambda event: event.item.terminating).item.uid == pod.uid
        assert heard.next(Removed).item.uid == pod.uid


def test_a_watch_from_a_list_misses_nothing_in_between(
    simulated: Simulated, cluster: Cluster
) -> None:
    (name,) = web(simulated)
    _, version = list_pods_on(cluster, "node-1")
    simulated.set_ready("shop", name, ready=False)
    with listening(watch_pods_on(cluster, "node-1", version=version)) as heard:
        event = heard.events.get(timeout=60)
        assert isinstance(event, Changed)
        assert not event.item.ready


def test_pods_of_other_nodes_are_not_heard_of(simulated: Simulated, cluster: Cluster) -> None:
    web(simulated)
    simulated.add_workload("Deployment", "shop", "far", replicas=2, on=["node-2"])
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        assert [pod.node for pod in heard.next(Listed).items] == ["node-1"]


@pytest.mark.parametrize("trouble", ["cut_all", "close_watches"])
def test_a_watch_goes_on_where_it_was(simulated: Simulated, cluster: Cluster, trouble: str) -> None:
    (name,) = web(simulated)
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        heard.next(Listed)
        _until_watching(simulated)
        getattr(simulated, trouble)()
        simulated.set_ready("shop", name, ready=False)
        heard.until(lambda event: not event.item.ready)  # a second list would have no item
    assert simulated.counters()["list pods"] == 1


def test_an_expired_version_leads_to_a_new_list(simulated: Simulated, cluster: Cluster) -> None:
    (name,) = web(simulated)
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        heard.next(Listed)
        simulated.answer_next(503, path="watch=")
        simulated.close_watches()
        simulated.delete("pods", "shop", name, grace=0)
        simulated.forget_history()
        listed = heard.next(Listed)
        assert name not in {pod.name for pod in listed.items}


def test_errors_on_the_way_are_waited_out(simulated: Simulated, cluster: Cluster) -> None:
    web(simulated)
    simulated.answer_next(500, path="/pods", times=2)
    simulated.cut_next(path="watch=")
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        heard.next(Listed)
        _until_watching(simulated)
        assert heard.error is None


def test_a_watch_is_stopped_at_once_though_nothing_happens(
    simulated: Simulated, cluster: Cluster
) -> None:
    watch = watch_pods_on(cluster, "node-1")
    heard = Heard(watch)
    heard.next(Listed)
    _until_watching(simulated)
    began = time.monotonic()
    watch.stop()
    heard.thread.join(timeout=60)
    assert not heard.thread.is_alive()
    assert time.monotonic() - began < 5  # a silent watch lasts minutes
    assert heard.error is None


def test_a_watch_that_waits_for_the_server_is_stopped_at_once(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(503, path="/pods", headers={"Retry-After": "60"}, times=None)
    watch = watch_pods_on(cluster, "node-1")
    heard = Heard(watch)
    while not simulated.counters() and not heard.thread.is_alive():
        time.sleep(0.01)
    watch.stop()
    heard.thread.join(timeout=3)
    assert not heard.thread.is_alive()


def test_a_watch_whose_answer_does_not_begin_is_opened_anew(
    simulated: Simulated, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.kubernetes.connection.TIMEOUT", 0.2)
    (name,) = web(simulated)
    simulated.stall_next(60, path="watch=")
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        heard.next(Listed)
        _until_watching(simulated)
        time.sleep(0.5)  # silence after its beginning is no fault
        simulated.set_ready("shop", name, ready=False)
        heard.until(lambda event: not event.item.ready)
    assert simulated.counters()["list pods"] == 1
    simulated.cut_all()


def test_what_a_person_must_mend_ends_a_watch(simulated: Simulated, cluster: Cluster) -> None:
    words = (
        'pods is forbidden: User "w" cannot list resource "pods" in API group "" '
        "at the cluster scope"
    )
    simulated.answer_next(403, path="/pods", body={"message": words})
    heard = Heard(watch_pods_on(cluster, "node-1"))
    heard.thread.join(timeout=60)
    assert heard.error is not None
    assert "cannot list" in str(heard.error)


def test_a_collection_that_does_not_exist_is_no_busy_loop(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(404, path="/pods", times=None)
    with listening(watch_pods_on(cluster, "node-1")):
        time.sleep(0.5)
    with pytest.raises(NotFound):
        list_pods_on(cluster, "node-1")
    assert _fault_hits(simulated) < 10


def test_a_server_that_ends_each_watch_at_once_is_not_hammered(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(200, path="watch=", body="", times=None)
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        heard.next(Listed)
        time.sleep(0.5)
    assert _fault_hits(simulated) < 10


def test_a_version_that_is_always_too_old_is_not_hammered(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.answer_next(410, path="watch=", body={"message": "too old"}, times=None)
    with listening(watch_pods_on(cluster, "node-1")) as heard:
        heard.next(Listed)
        time.sleep(0.5)
        assert heard.events.qsize() < 10


def test_bookmarks_move_a_quiet_watch_on(tmp_path: Any) -> None:
    from jobs.kubernetes import connect  # noqa: PLC0415  its own cluster: one with fast bookmarks

    with running(bookmark_s=0.05) as simulated:
        simulated.add_node("node-1")
        cluster = connect(str(simulated.kubeconfig(tmp_path / "k")), pool=2)
        watch = watch_pods_on(cluster, "node-1")
        with listening(watch) as heard:
            heard.next(Listed)
            first = watch._version
            simulated.add_node("node-9")
            deadline = time.monotonic() + 10
            while watch._version == first and time.monotonic() < deadline:
                time.sleep(0.01)
            assert watch._version != first
            assert heard.events.empty()


def test_a_long_list_comes_page_by_page(
    simulated: Simulated, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.kubernetes.watching.PAGE", 3)
    names = web(simulated, 8)
    pods, version = list_pods_on(cluster, "node-1")
    assert sorted(pod.name for pod in pods) == sorted(names)
    assert version
    assert simulated.counters()["list pods"] == 3


def test_a_list_whose_pages_expire_begins_anew(
    simulated: Simulated, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.kubernetes.watching.PAGE", 3)
    names = web(simulated, 5)
    simulated.answer_next(410, path="continue=")
    assert sorted(pod.name for pod in list_pods_on(cluster, "node-1")[0]) == sorted(names)
    simulated.answer_next(410, path="continue=", times=None)
    with pytest.raises(Temporary, match="expire"):
        list_pods_on(cluster, "node-1")


def test_budgets_are_told_as_they_free_themselves(simulated: Simulated, cluster: Cluster) -> None:
    names = web(simulated, 2)
    simulated.add_budget("shop", "web", min_available=2, match_labels={"app": "web"})
    simulated.wait_for(
        lambda view: (
            (found := view.get("poddisruptionbudgets", "shop", "web"))
            and found["status"].get("expectedPods") == 2
        )
    )
    (budget,), version = list_budgets(cluster, "shop")
    assert (budget.spec, budget.disruptions_allowed, budget.fresh) == ("minAvailable 2", 0, True)
    assert budget.selector.match({"app": "web"})
    with listening(watch_budgets(cluster, "shop", version=version)) as heard:
        simulated.set_ready("shop", names[0], ready=False)
        heard.until(lambda event: event.item.current_healthy == 1)
        simulated.set_ready("shop", names[0], ready=True)
        simulated.scale("shop", "web", 3)
        heard.until(lambda event: event.item.disruptions_allowed == 1)
        simulated.delete("poddisruptionbudgets", "shop", "web")
        assert heard.next(Removed).item.name == "web"


def test_nodes_are_watched(simulated: Simulated, cluster: Cluster) -> None:
    with listening(watch_nodes(cluster)) as heard:
        assert {node.name for node in heard.next(Listed).items} == {"node-1", "node-2"}
        simulated.set_node_ready("node-2", ready=False)
        assert heard.until(lambda event: not event.item.ready).item.name == "node-2"


def _until_watching(simulated: Simulated) -> None:
    deadline = time.monotonic() + 10
    while not simulated.watches():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _fault_hits(simulated: Simulated) -> int:
    return sum(count for verb, count in simulated.counters().items() if verb.endswith(" pods"))


@pytest.mark.parametrize(("asked", "longest"), [({}, 1.5), ({"Retry-After": "60"}, 5.0)])
def test_a_server_that_is_away_for_long_is_looked_for_every_second_or_when_it_says(
    simulated: Simulated, cluster: Cluster, asked: dict[str, str], longest: float
) -> None:
    simulated.answer_next(503, path="/pods", times=None, headers=asked)
    watch = watch_pods_on(cluster, "node-1")
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            if len(waits) == 12:
                self.set()
            return self.is_set()

    watch._stop = Stop()
    assert list(watch) == []
    assert max(waits) == waits[-1] == longest
