"""Redis or the API server away for longer than any lease: all survive, and go on afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from jobs.durable import connect as connect_redis
from jobs.models import OperationEnd
from jobs.workflows import choices
from sandbox import redis as sandbox_redis
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting, runs
from tests.jobs.story import block, web

PODS = 10


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2", "node-3")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=PODS, on=["node-1"] * PODS)
        yield cluster


@pytest.fixture
def server() -> Iterator[sandbox_redis.RedisServer]:
    with sandbox_redis.running(appendfsync="always") as server:
        yield server


@pytest.fixture
def hosts(server: sandbox_redis.RedisServer, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    policy = policy_with({"evictions_per_second": 5.0})
    with hosting(server.url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        yield hosts


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_a_drain_outlives_a_redis_that_is_away_for_longer_than_its_lease(
    hosts: Hosts, cluster: Cluster, server: sandbox_redis.RedisServer, how: str
) -> None:
    before = {pod["metadata"]["uid"] for pod in cluster.list("Pod", node="node-1")}
    worker = hosts.start(lease=1)
    operation = hosts.submit("node-1")
    until(lambda: 2 <= len(hosts.evictions()) < PODS, within=PATIENCE, what="a drain's middle")
    slot = hosts.slot_of(operation)
    helpers = set(hosts.children(worker)) - {slot}
    if how == "killed":
        server.kill()
    else:
        server.freeze()
    until(lambda: not runs(slot), within=PATIENCE, what="the end of the busy slot, by its lease")
    sent = len(hosts.evictions())
    assert sent < PODS
    # Its place is taken at once: whoever has it waits for Redis, and is there when it is back.
    until(
        lambda: len(set(hosts.children(worker)) - {slot}) == 3, within=PATIENCE, what="another slot"
    )
    assert helpers < set(hosts.children(worker))  # keeper and watcher live on
    assert len(hosts.evictions()) == sent  # nobody evicts without leave
    if how == "killed":
        server.restart()
    else:
        server.thaw()

    view = hosts.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    accepted = [e.uid_precondition for e in hosts.evictions() if e.carried_out]
    assert set(accepted) == before
    assert len(accepted) <= len(before) + 1
    assert helpers < set(hosts.children(worker))
    hosts.give_back("node-1")
    assert not hosts.cordoned("node-1")


def test_a_redis_that_is_away_for_longer_than_anybody_waits_for_it_is_outlived_too(
    hosts: Hosts, cluster: Cluster, server: sandbox_redis.RedisServer
) -> None:
    before = {pod["metadata"]["uid"] for pod in cluster.list("Pod", node="node-1")}
    # Each call gives up after a fifth of a second: for them a few seconds are for ever.
    worker = hosts.start(lease=1, patience=4)
    operation = hosts.submit("node-1")
    until(lambda: 2 <= len(hosts.evictions()) < PODS, within=PATIENCE, what="a drain's middle")
    slot = hosts.slot_of(operation)
    helpers = set(hosts.children(worker)) - {slot}
    server.kill()
    slots: set[int] = set()

    def gave_up_again_and_again() -> bool:
        slots.update(set(hosts.children(worker)) - helpers)
        return len(slots) >= 3

    until(gave_up_again_and_again, within=PATIENCE, what="slots that give up and begin anew")
    assert len(hosts.evictions()) < PODS
    server.restart()
    view = hosts.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    accepted = [e.uid_precondition for e in hosts.evictions() if e.carried_out]
    assert set(accepted) == before
    assert len(accepted) <= len(before) + 1
    assert helpers < set(hosts.children(worker))  # keeper and watcher have lived on


def _refused(admin: Redis) -> int:
    stats: Any = admin.info("commandstats")
    return int(stats.get("cmdstat_set", {}).get("rejected_calls", 0))


def test_a_write_waits_until_the_replica_that_takes_over_is_promoted(
    server: sandbox_redis.RedisServer,
) -> None:
    client = connect_redis(server.url, name="worker")
    with Redis.from_url(server.url) as admin, ThreadPoolExecutor(1) as threads:
        admin.replicaof("127.0.0.1", "1")
        asked: Any = threads.submit(client.set, "drainbot:test:freeze", "1")
        until(lambda: _refused(admin) >= 2, what="refusals by the replica")
        assert not asked.done()
        admin.replicaof("NO", "ONE")
        assert asked.result(30) is True


def test_while_the_api_server_is_away_people_decide_and_the_drain_goes_on_when_it_is_back(
    play: Play,
) -> None:
    story = play(policy=policy_with({"evictions_per_second": 10.0}))
    web(story, 6)
    operation = story.submit("node-1")
    until(lambda: len(story.evictions()) >= 2, what="a drain's middle")
    story.cluster.answer_next(503, times=None)
    story.cluster.cut_all()
    sent = len(story.evictions())

    story.pause(operation)
    until(lambda: story.view(operation).paused_by, what="the pause")
    story.resume(operation)
    other = story.submit("node-3")  # the inventory answers, though it grows old
    story.abort(other)
    assert story.finish(other).end is OperationEnd.ABORTED
    assert len(story.evictions()) == sent

    story.cluster.clear_faults()
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert not story.cordoned("node-3")


def test_a_question_that_is_answered_while_the_api_server_is_away_counts(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: story.suspended(operation), what="the wait")
    story.cluster.answer_next(503, times=None)
    story.cluster.cut_all()
    decided = story.decide(asked, choices.SKIP)
    assert decided.outcome == "settled"
    assert story.cordoned()
    story.cluster.clear_faults()
    assert story.finish(operation).end is not None
    until(lambda: not story.cordoned(), what="the end of the cordon")
