"""Real workers that are told to end, or that stand still for longer than their lease."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from redis import Redis

from jobs.durable import Store
from sandbox.processes import Processes
from tests.jobs.durable.processes import Workers, runs, until


@pytest.fixture
def workers(redis: "Redis", redis_url: str) -> Iterator[Workers]:
    with Processes() as processes:
        workers = Workers(redis_url, Store(redis, "prod-eu"), processes)
        yield workers
        for pid in list(workers.stopped):
            workers.go_on(pid)


def _let_pass(seconds: float) -> None:
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() > end)


def kinds(workers: Workers) -> list[str]:
    stream = cast("list[Any]", workers.store.redis.xrange("drainbot:prod-eu:events"))
    return [entry["kind"] for _, entry in stream]


def test_a_worker_that_is_told_to_end_hands_over_at_once(workers: Workers) -> None:
    first = workers.start(lease=600)
    workers.run("evict")
    until(workers.outside)
    children = workers.children(first)
    workers.start(lease=600)
    first.signal(signal.SIGTERM)
    assert first.wait(within_s=60) == 0
    until(lambda: "2" in workers.outside())
    workers.say("enough")
    assert workers.result() == "ended in epoch 2"
    assert kinds(workers) == ["started", "handed_over", "done"]
    assert not any(runs(pid) for pid in children)


def test_a_hand_over_waits_for_the_step_that_is_under_way(workers: Workers) -> None:
    first = workers.start(slots=1)
    workers.run("steps", ["a", "b"])
    until(lambda: workers.outside() == ["a 1"])
    first.signal(signal.SIGTERM)
    workers.say("go:a")
    assert first.wait(within_s=60) == 0
    assert workers.state() == "ready"
    workers.start(slots=1)
    workers.say("go:b")
    assert workers.result() == [1, 2]


def test_an_idle_worker_that_is_told_to_end_ends_at_once(workers: Workers) -> None:
    worker = workers.start()
    workers.run("nothing")
    workers.result()
    worker.signal(signal.SIGTERM)
    assert worker.wait(within_s=60) == 0
    assert workers.store.redis.smembers("rq:workers") == set()


def test_a_supervisor_that_stood_still_goes_on_and_still_looks_after_its_children(
    workers: Workers,
) -> None:
    worker = workers.start(slots=1)
    workers.run("nothing")
    workers.result()
    for _ in range(3):
        workers.stop(worker.pid)
        # Past the end of its wait: what a wait tells that ended meanwhile is what may be wrong.
        _let_pass(1.2)
        workers.go_on(worker.pid)
    (slot, *_) = workers.children(worker)
    os.kill(slot, signal.SIGKILL)
    until(lambda: len(workers.children(worker)) == 2 and slot not in workers.children(worker))
    workers.run("nothing", id="op-2")
    workers.result("op-2")
    assert worker.alive()


def test_a_slot_that_stood_still_past_its_lease_kills_itself_and_acts_no_more(
    workers: Workers,
) -> None:
    workers.start(lease=1)
    workers.run("evict")
    until(workers.outside)
    stopped = workers.slot_of()
    workers.say("quiet")  # so that no act is under way when it is stopped
    until(lambda: workers.store.redis.exists("is-quiet"))
    workers.stop(stopped)
    until(lambda: workers.outside("begun") == ["1", "2"])
    before = workers.outside()
    workers.store.redis.delete("quiet")
    workers.go_on(stopped)
    until(lambda: not runs(stopped))
    until(lambda: len(workers.outside()) > len(before) + 10)
    workers.say("enough")
    assert workers.result() == "ended in epoch 2"
    assert set(workers.outside()[len(before) :]) == {"2"}


def test_a_slot_that_stood_still_kills_itself_though_nobody_took_over(workers: Workers) -> None:
    worker = workers.start(slots=1, keepers=0, lease=1)
    workers.run("evict")
    until(workers.outside)
    stopped = workers.slot_of()
    lease = workers.store.redis.hget("drainbot:prod-eu:wf:op-1", "lease")
    workers.stop(stopped)
    until(lambda: workers.store.now() > int(str(lease)) + 1500)
    workers.go_on(stopped)
    until(lambda: not runs(stopped))
    until(lambda: workers.children(worker) not in ([], [stopped]))
    workers.say("enough")
    assert workers.result() == "ended in epoch 2"
