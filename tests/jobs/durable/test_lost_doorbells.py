"""A doorbell may be lost, doubled or late: state decides what runs, and a sweep rings again."""

from typing import Any

import pytest

from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group


def lose(group: Group, how: str) -> str:
    """Lose the one doorbell that rings; returns its job."""
    [job] = group.doorbells()
    if how == "popped by a worker that died":
        group.redis.lmove(group.queue, f"{group.queue}:intermediate", "LEFT", "RIGHT")
    elif how == "queue emptied":
        group.redis.delete(group.queue, f"rq:job:{job}")
    elif how == "job expired, then popped":
        group.redis.delete(f"rq:job:{job}")
        group.redis.lmove(group.queue, f"{group.queue}:intermediate", "LEFT", "RIGHT")
    return job


WAYS = ["popped by a worker that died", "queue emptied", "job expired, then popped"]


@pytest.mark.parametrize("how", WAYS)
def test_a_lost_doorbell_is_rung_again_and_nothing_of_the_old_one_stays(
    group: Group, how: str
) -> None:
    calls.start(group)
    lost = lose(group, how)
    group.clock.advance(0.5)
    assert group.sweep()["doorbells"] == 1
    [again] = group.doorbells()
    assert again != lost
    assert group.redis.exists(f"rq:job:{lost}", f"{group.queue}:intermediate") == 0
    assert group.take().epoch == 1


@pytest.mark.parametrize("how", WAYS)
def test_a_doorbell_is_given_half_a_second_until_it_counts_as_lost(group: Group, how: str) -> None:
    calls.start(group)
    lose(group, how)
    group.clock.advance(0.4)
    assert group.sweep()["doorbells"] == 0


def test_a_doorbell_that_is_still_in_the_queue_is_not_rung_twice(group: Group) -> None:
    calls.start(group)
    rung = group.doorbells()
    for _ in range(20):
        group.clock.advance(60)
        assert group.sweep()["doorbells"] == 0
    assert group.doorbells() == rung


def test_a_doorbell_that_is_lost_again_is_rung_again(group: Group) -> None:
    calls.start(group)
    for _ in range(3):
        lose(group, "queue emptied")
        group.clock.advance(0.5)
        assert group.sweep()["doorbells"] == 1
    assert group.sweep()["doorbells"] == 0
    assert len(group.doorbells()) == 1


@pytest.mark.parametrize("state", ["running", "suspended", "done"])
def test_nothing_is_rung_for_a_workflow_that_is_not_ready(group: Group, state: str) -> None:
    calls.start(group)
    token = group.take()
    if state == "suspended":
        calls.suspend(group, token, calls.timer(seconds=3600))
    elif state == "done":
        calls.finish(group, token)
    group.clock.advance(60)
    assert group.sweep()["doorbells"] == 0
    assert group.doorbells() == []


def test_two_doorbells_of_one_epoch_start_one_activation(group: Group) -> None:
    ran: list[int] = []

    @group.workflow
    def drain(ctx: Any, _: Any) -> None:
        ran.append(ctx.token.epoch)

    group.start("drain")
    [first] = group.doorbells()
    group.redis.lmove(group.queue, f"{group.queue}:intermediate", "LEFT", "RIGHT")
    group.clock.advance(0.5)
    group.sweep()
    group.redis.rpush(group.queue, first)  # the worker that had popped it was slow, not dead
    group.redis.hset(f"rq:job:{first}", "data", group.doorbell_data("op-1", 1))
    assert group.work() == ["done", "stale"]
    assert ran == [1]


def test_a_doorbell_that_comes_a_minute_late_finds_nothing_to_do(group: Group) -> None:
    @group.workflow
    def drain(ctx: Any, _: Any) -> None:
        ctx.sleep("s", 30)

    group.start("drain")
    group.work()
    group.clock.advance(60)
    group.sweep()
    assert group.work() == ["done"]
    group.redis.hset("rq:job:late", "data", group.doorbell_data("op-1", 1))
    group.redis.rpush(group.queue, "late")
    assert group.work() == ["stale"]


def test_a_lost_doorbell_is_found_when_its_turn_comes_however_many_wait_before_it(
    group: Group,
) -> None:
    ids = [f"op-{n}" for n in range(6)]
    for id in ids:
        calls.start(group, id)
        group.clock.advance(0.001)
    group.redis.lrem(group.queue, 1, group.hash("wf:op-5")["job"])
    group.clock.advance(1)
    rung = 0
    for id in ids[:5]:
        rung += group.store.sweep(limit=2)["doorbells"]
        group.take(id)
    assert rung == 1
    assert group.doorbells() == [group.hash("wf:op-5")["job"]]
