"""The watcher: the inventory follows the cluster, whatever happens to the API or to Redis."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from jobs import watcher as watcher_module
from jobs.drain.facts import Budget, Pod
from jobs.durable import Store
from jobs.durable import connect as connect_redis
from jobs.guardrails import Guardrails
from jobs.inventory import InventoryStore
from jobs.kubernetes import connect as connect_cluster
from jobs.kubernetes.watching import Changed, Listed, Removed
from jobs.nodes import NodeStore
from jobs.resources import Resources
from jobs.watcher import Watcher
from sandbox import redis as sandbox_redis
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import NAME, resources, until


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        yield cluster


@pytest.fixture
def acts(redis: "Redis", cluster: Cluster, tmp_path: Path) -> Resources:
    return resources(redis, str(cluster.kubeconfig(tmp_path / "kubeconfig")))


@contextmanager
def watching(acts: Resources, owner: str) -> Iterator[threading.Event]:
    """Run a watcher until the block ends, or the event is set."""
    stopping = threading.Event()
    watcher = Watcher(acts, owner=owner)
    thread = threading.Thread(target=watcher.run, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield stopping
    finally:
        stopping.set()
        thread.join(20)
        assert not thread.is_alive()


def shown(acts: Resources) -> dict[str, Any]:
    return {node.name: node for node in InventoryStore(acts.store).read().nodes}


def version(acts: Resources) -> str:
    return str(acts.store.redis.get(f"{acts.store.prefix}inventory:version"))


def test_the_inventory_follows_the_cluster(acts: Resources, cluster: Cluster) -> None:
    with watching(acts, "one"):
        until(lambda: shown(acts).keys() == {"node-1", "node-2"}, what="the first list")
        cluster.add_node("node-3", labels={"pool": "db"})
        until(lambda: "node-3" in shown(acts), what="a node that joined")
        assert shown(acts)["node-3"].labels["pool"] == "db"
        cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
        until(lambda: shown(acts)["node-1"].cordoned, what="a cordon")
        cluster.set_node_ready("node-2", ready=False)
        until(lambda: not shown(acts)["node-2"].ready, what="a node that fell silent")
        cluster.delete("Node", "", "node-3")
        until(lambda: "node-3" not in shown(acts), what="a node that left")


def test_a_change_that_nobody_is_shown_is_not_written(acts: Resources, cluster: Cluster) -> None:
    with watching(acts, "one"):
        until(lambda: len(shown(acts)) == 2, what="the first list")
        until(lambda: cluster.watches() == 1, what="the watch")
        before = version(acts)
        for beat in range(5):  # as a kubelet's heartbeat does
            cluster.patch("Node", "", "node-1", {"metadata": {"annotations": {"beat": str(beat)}}})
        cluster.close_watches()
        cluster.forget_history()
        until(lambda: cluster.watches() == 1, what="another watch")
        cluster.patch("Node", "", "node-2", {"metadata": {"labels": {"seen": "yes"}}})
        until(lambda: shown(acts)["node-2"].labels.get("seen") == "yes", what="a change after them")
        (writer, writes), (former, written) = (v.split("-") for v in (version(acts), before))
        assert (writer, int(writes)) == (former, int(written) + 1)


def test_that_it_is_right_is_said_again_and_again(
    acts: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "CONFIRM_EVERY", 0.05)
    reader = InventoryStore(acts.store)
    with watching(acts, "one"):
        first = until(lambda: reader.read().as_of, what="an inventory")
        until(lambda: reader.read().as_of > first, what="another word")


def test_while_the_watch_is_broken_nobody_says_that_the_inventory_is_right(
    acts: Resources, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "CONFIRM_EVERY", 0.02)
    reader = InventoryStore(acts.store)
    watcher = Watcher(acts, owner="one")
    watcher.look()
    until(lambda: watcher._eyes["nodes"].sees, what="the watch")
    until(lambda: watcher._nodes_listed, what="the first list")
    cluster.answer_next(503, method="GET", path="/api/v1/nodes", times=None)
    cluster.cut_all()
    until(lambda: not watcher._eyes["nodes"].sees, what="the end of the watch")
    said = reader.read().as_of
    for _ in range(20):
        until(lambda: acts.store.now() > said, what="another moment")
        watcher._confirm_at = 0
        watcher.look()
    assert reader.read().as_of == said
    cluster.clear_faults()
    until(lambda: watcher._eyes["nodes"].sees, what="another watch")
    watcher._confirm_at = 0
    watcher.look()
    assert reader.read().as_of > said
    watcher._close_all()


def test_of_two_watchers_one_works_and_the_other_takes_over(
    acts: Resources, cluster: Cluster
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(watching(acts, "one"))
        until(lambda: cluster.watches() == 1, what="the first one's watch")
        second = Watcher(acts, owner="two")
        assert not second._hold()
        stack.enter_context(watching(acts, "two"))
        first.set()  # it gives its lease up at once
        until(lambda: holder(acts) == "two", what="the other one")
        cluster.add_node("node-3")
        until(lambda: "node-3" in shown(acts), what="what the other one sees")
        until(lambda: cluster.watches() == 1, what="the end of the first one's watch")


def holder(acts: Resources) -> str:
    return str(acts.store.redis.hget(f"{acts.store.prefix}lease:watcher", "owner"))


def test_a_watcher_that_lost_its_lease_looks_no_more(
    acts: Resources, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "LEASE", 0.5)
    with watching(acts, "one"):
        until(lambda: cluster.watches() == 1, what="its watch")
        acts.store.redis.hset(
            f"{acts.store.prefix}lease:watcher",
            mapping={"owner": "two", "until": acts.store.now() + 600_000},
        )
        until(lambda: cluster.watches() == 0, what="the end of its watch")


@pytest.mark.parametrize("what", ["close", "forget", "cut"])
def test_the_inventory_survives_what_happens_to_a_watch(
    acts: Resources, cluster: Cluster, what: str
) -> None:
    with watching(acts, "one"):
        until(lambda: cluster.watches() == 1, what="the watch")
        if what == "cut":
            cluster.cut_all()
        else:
            if what == "forget":
                cluster.forget_history()
            cluster.close_watches()
        cluster.add_node("node-3")
        until(lambda: "node-3" in shown(acts), what="a node that joined meanwhile")


def test_the_inventory_survives_a_restart_of_redis(cluster: Cluster, tmp_path: Path) -> None:
    with sandbox_redis.running(appendfsync="always") as server:
        store = Store(connect_redis(server.url, name="watcher"), NAME)
        api = connect_cluster(str(cluster.kubeconfig(tmp_path / "kubeconfig")), pool=8)
        acts = Resources(api, store, NodeStore(store), Guardrails())
        with watching(acts, "one"):
            until(lambda: len(shown(acts)) == 2, what="the first list")
            server.kill()
            cluster.add_node("node-3")
            server.restart()
            until(lambda: "node-3" in shown(acts), what="a node that joined meanwhile")


def test_it_ends_in_time_though_redis_is_away(cluster: Cluster, tmp_path: Path) -> None:
    with sandbox_redis.running(appendfsync="everysec") as server:
        redis = connect_redis(server.url, name="watcher", patience=2, timeout=0.2)
        store = Store(redis, NAME)
        api = connect_cluster(str(cluster.kubeconfig(tmp_path / "kubeconfig")), pool=8)
        with watching(Resources(api, store, NodeStore(store), Guardrails()), "one"):
            until(lambda: cluster.watches() == 1, what="its watch")
            server.kill()
        until(lambda: cluster.watches() == 0, what="the end of its watch")


def test_a_late_word_of_a_watch_that_was_closed_is_believed_by_nobody(acts: Resources) -> None:
    watcher = Watcher(acts, owner="one")
    pod, budget = Pod(namespace="a", name="p", uid="p1"), Budget(namespace="a", name="b")
    watcher._pods_seer("node-1")(Changed(pod))
    watcher._budgets_seer("a")(Removed(budget))
    assert (watcher._pods, watcher._budgets) == ({}, {})  # not: the others have left
    watcher._pods_seer("node-1")(Listed((pod,)))
    watcher._pods_seer("node-1")(Removed(pod))
    watcher._budgets_seer("a")(Listed(()))
    watcher._budgets_seer("a")(Changed(budget))
    assert watcher._pods == {"node-1": frozenset()}
    assert watcher._budgets == {"a": {"b": budget}}
