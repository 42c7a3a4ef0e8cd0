"""A Redis that came back empty: told from a fresh start, said loudly, and nothing goes wrong."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis import Redis

from jobs.drain.fence import OPERATION
from jobs.models import DrainRequest, LostState, OperationEnd, OrphansView, Submitted
from jobs.watcher import Watcher
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, NAME, Worker, policy_with, resources, until, working
from tests.jobs.hosts import PATIENCE, Hosts, hosting
from tests.jobs.story import Story, block, web

PODS = 12


def lost(story: Story) -> LostState:
    (found,) = until(story.service.orphans.lost, what="what was lost")
    return found


def known_nodes(story: Story) -> set[str]:
    return {node.name for node in story.service.inventory(NAME).nodes}


def blocked(story: Story, reason: str = "kernel update") -> str:
    """Begin a drain that waits for people."""
    block(story)
    operation = story.submit("node-1", reason=reason)
    story.question(operation)
    return operation


# -- the inventory -----------------------------------------------------------------------------


def test_after_redis_was_lost_a_drain_of_a_node_that_did_not_change_is_taken(
    play: Play, redis: Redis
) -> None:
    story = play()
    until(lambda: len(known_nodes(story)) == 3, what="the inventory")
    redis.flushall()
    story.cluster.patch("Node", "", "node-2", {"metadata": {"labels": {"seen": "yes"}}})
    until(lambda: len(known_nodes(story)) == 3, what="the nodes that did not change")
    assert story.finish(story.submit("node-3")).end is OperationEnd.DRAINED


def test_a_node_whose_last_change_redis_lost_is_published_again(play: Play, redis: Redis) -> None:
    story = play()
    until(lambda: len(known_nodes(story)) == 3, what="the inventory")
    keys = [f"{story.worker.store.prefix}inventory{part}" for part in ("", ":version")]
    before = {key: redis.dump(key) or b"" for key in keys}

    def cordoned() -> bool:
        shown = {node.name: node.cordoned for node in story.service.inventory(NAME).nodes}
        return shown["node-2"]

    story.cluster.patch("Node", "", "node-2", {"spec": {"unschedulable": True}})
    until(cordoned, what="the change")
    for key, value in before.items():  # the replica that took over had not got it
        redis.restore(key, 0, value, replace=True)
    until(cordoned, what="the change, once more")


# -- what was lost is said ---------------------------------------------------------------------


def test_a_fresh_start_is_quiet(play: Play, redis: Redis) -> None:
    with structlog.testing.capture_logs() as logs:
        story = play()
        until(lambda: redis.exists(f"{story.worker.store.prefix}born"), what="the beginning")
    assert story.service.orphans.lost() == ()
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def test_marks_of_another_drainbot_are_no_loss_of_ours(play: Play, redis: Redis) -> None:
    story = play()
    body: dict[str, Any] = {
        "metadata": {"annotations": {OPERATION: "other-7f3k9q"}},
        "spec": {"unschedulable": True},
    }
    story.cluster.patch("Node", "", "node-1", body)
    redis.flushall()
    until(lambda: redis.exists(f"{story.worker.store.prefix}born"), what="the beginning")
    assert story.service.orphans.lost() == ()


def test_a_state_from_before_the_marker_was_known_is_no_loss(play: Play, redis: Redis) -> None:
    story = play()
    operation = blocked(story)
    born = f"{story.worker.store.prefix}born"
    redis.delete(born)
    until(lambda: redis.exists(born), what="the beginning")
    assert story.service.orphans.lost() == ()
    story.abort(operation)


def test_what_was_under_way_is_listed_with_who_and_since_when(play: Play, redis: Redis) -> None:
    story = play()
    operation = blocked(story)
    assert story.finish(story.submit("node-3")).end is OperationEnd.DRAINED
    with structlog.testing.capture_logs() as logs:
        redis.flushall()
        found = lost(story)
    assert found.cluster == NAME
    assert found.at > 0
    assert {orphan.node for orphan in found.orphans} == {"node-1", "node-3"}
    first = next(orphan for orphan in found.orphans if orphan.node == "node-1")
    assert (first.operation, first.requested_by, first.reason) == (
        operation, ANA.id, "kernel update",
    )  # fmt: skip
    assert first.since
    errors = [entry for entry in logs if entry["log_level"] == "error"]
    said = {entry["node"]: entry for entry in errors if entry["event"] == "operation_was_lost"}
    assert said["node-1"]["operation"] == operation
    assert (said["node-1"]["requested_by"], said["node-1"]["since"]) == (ANA.id, first.since)
    (summary,) = [entry for entry in errors if entry["event"] == "state_was_lost"]
    assert "drainbot orphans --undo" in summary["message"]


def test_it_is_said_once_however_often_a_watcher_begins(play: Play, redis: Redis) -> None:
    story = play()
    blocked(story)
    redis.flushall()
    found = lost(story)
    with structlog.testing.capture_logs() as logs:
        other = Watcher(story.worker.resources, owner="another")
        other.look()
        until(lambda: other._nodes_listed, what="its list")
        other._close_all()
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    assert lost(story) == found


def test_a_worker_that_starts_on_an_empty_redis_finds_what_the_one_before_left(
    redis: Redis, tmp_path: Path, play: Play
) -> None:
    story = play()
    blocked(story)
    story.worker.stopping.set()
    for thread in story.worker.threads:
        thread.join(20)
    redis.flushall()
    acts = resources(redis, str(story.cluster.kubeconfig(tmp_path / "other")))
    with working(Worker(redis, acts)):
        assert [orphan.node for orphan in lost(story).orphans] == ["node-1"]


# -- who was at work ---------------------------------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=PODS, on=["node-1"] * PODS)
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    policy = policy_with({"evictions_per_second": 4.0})
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        yield hosts


def asked(hosts: Hosts, dedup: str, *undo: str) -> OrphansView:
    answer = hosts.service.orphans.ask(ANA, NAME, undo=undo, channel="C01", dedup=dedup)
    assert isinstance(answer, Submitted), answer
    return until(
        lambda: hosts.service.orphans.answer(answer.operation), within=PATIENCE, what="the orphans"
    )


def test_a_slot_that_was_at_work_stops_and_its_worker_goes_on_with_the_empty_redis(
    hosts: Hosts, cluster: Cluster
) -> None:
    worker = hosts.start(lease=1.5)
    operation = hosts.submit("node-1")
    until(lambda: 2 <= len(hosts.evictions()) < PODS, within=PATIENCE, what="a drain's middle")
    hosts.redis.flushall()
    sent = len(hosts.evictions())
    (found,) = until(hosts.service.orphans.lost, within=PATIENCE, what="what was lost")
    assert [orphan.operation for orphan in found.orphans] == [operation]
    assert [orphan.undone for orphan in asked(hosts, "o1", "node-1").orphans] == [True]
    # Nobody evicts any more for what was lost, beyond what was in flight.
    assert len(hosts.evictions()) <= sent + 1 < PODS
    assert not hosts.cordoned("node-1")
    view = hosts.finish(_again(hosts))
    assert view.end is OperationEnd.DRAINED
    worker.signal(signal.SIGTERM)
    assert worker.wait(within_s=PATIENCE) == 0


def _again(hosts: Hosts) -> str:
    request = DrainRequest(cluster=NAME, nodes=("node-1",), channel="C01")
    answer = hosts.service.submit(ANA, request, dedup="again")
    assert isinstance(answer, Submitted), answer
    return answer.operation


def test_a_lost_operation_evicts_no_more_than_what_was_in_flight(play: Play, redis: Redis) -> None:
    story = play(policy=policy_with({"evictions_per_second": 5.0}))
    web(story, 10)
    operation = story.submit("node-1")
    until(story.evictions, what="the first eviction")
    redis.flushall()
    assert story.service.operation(operation) is None
    sent = len(story.evictions())
    lost(story)
    until(lambda: story.cluster.watches() == 1, what="the end of the activity's watches")
    assert len(story.evictions()) <= sent + 1
    assert len(story.pods_on()) >= 10 - sent - 1
