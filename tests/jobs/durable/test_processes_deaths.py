"""Real workers that are killed: another one goes on, and each step is committed once."""

import os
import signal
from collections.abc import Iterator

import pytest
from redis import Redis

from jobs.durable import Store
from jobs.durable.supervisor import delay_after
from sandbox.processes import Processes
from tests.jobs.durable.processes import Workers, runs, until


@pytest.fixture
def workers(redis: "Redis", redis_url: str) -> Iterator[Workers]:
    with Processes() as processes:
        yield Workers(redis_url, Store(redis, "prod-eu"), processes)


def committed(workers: Workers) -> dict[str, str | None]:
    return {key: step.value for key, step in workers.store.steps("op-1").items()}


def test_a_slot_killed_in_mid_step_is_replaced_within_seconds_and_the_step_commits_once(
    workers: Workers,
) -> None:
    workers.start(lease=600)  # the lease would take ten minutes: the vanished connection is seen
    workers.run("steps", ["a", "b"])
    until(lambda: workers.outside() == ["a 1"])
    os.kill(workers.slot_of(), signal.SIGKILL)
    until(lambda: workers.outside() == ["a 1", "a 2"])
    workers.say("go:a")
    workers.say("go:b")
    assert workers.result() == [2, 2]
    assert workers.outside() == ["a 1", "a 2", "b 2"]
    assert committed(workers) == {"a": "2", "b": "2"}


def test_steps_that_were_committed_before_the_kill_are_not_done_again(workers: Workers) -> None:
    workers.start()
    workers.run("steps", ["a", "b"])
    workers.say("go:a")
    until(lambda: workers.outside() == ["a 1", "b 1"])
    os.kill(workers.slot_of(), signal.SIGKILL)
    workers.say("go:b")
    assert workers.result() == [1, 2]
    assert workers.outside() == ["a 1", "b 1", "b 2"]


def test_a_slot_that_is_started_again_takes_what_its_predecessor_left(workers: Workers) -> None:
    workers.start(slots=1, keepers=0, lease=600)  # nobody else could notice
    workers.run("steps", ["a"])
    until(lambda: workers.outside() == ["a 1"])
    os.kill(workers.slot_of(), signal.SIGKILL)
    workers.say("go:a")
    assert workers.result() == [2]


def test_a_killed_supervisor_takes_all_its_processes_along_and_another_worker_goes_on(
    workers: Workers,
) -> None:
    first = workers.start(lease=600)
    workers.run("steps", ["a"])
    until(lambda: workers.outside() == ["a 1"])
    children = workers.children(first)
    workers.start()
    first.signal(signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in children))
    workers.say("go:a")
    assert workers.result() == [2]


def test_a_slot_that_ends_is_started_again_by_its_supervisor(workers: Workers) -> None:
    worker = workers.start(slots=1, keepers=0)
    [slot] = workers.children(worker)
    for _ in range(3):
        os.kill(slot, signal.SIGKILL)
        until(lambda gone=slot: workers.children(worker) not in ([], [gone]))  # type: ignore[misc]
        [slot] = workers.children(worker)
    workers.run("nothing")
    assert workers.result() == "done"


def test_a_killed_keeper_is_replaced_and_nothing_is_lost(workers: Workers) -> None:
    worker = workers.start(slots=1, keepers=1)
    said = worker.wait_for_line(r"child_started +pid=(\d+) role=keeper", within_s=60)
    os.kill(int(said.group(1)), signal.SIGKILL)
    workers.run("steps", ["a"])
    until(lambda: workers.outside() == ["a 1"])
    workers.store.redis.delete("rq:queue:drainbot-prod-eu")
    os.kill(workers.slot_of(), signal.SIGKILL)
    workers.say("go:a")
    assert workers.result() == [2]


def test_a_child_that_can_not_begin_is_tried_again_with_pauses_that_stay_short() -> None:
    pauses = [delay_after(failures) for failures in range(10_000)]
    assert pauses[0] == 0
    assert 0 < pauses[1] < pauses[2]
    assert max(pauses) <= 1.5  # back within two seconds of whatever kept it from beginning
