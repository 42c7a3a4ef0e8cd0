"""A slot as a worker of RQ."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from redis import Redis
from rq.exceptions import StopRequested

from jobs.durable.intake import Intake
from jobs.durable.slot import Slot, owner_name, owner_prefix
from tests.jobs.durable.harness import Group


@pytest.fixture
def slot(group: Group, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slot]:
    """A slot in this process, which keeps its own signals."""
    monkeypatch.setattr(Slot, "_install_signal_handlers", lambda _: None)
    runner: Any = group.runner
    with Redis.from_url(redis_url) as raw:
        yield Slot(raw, lambda _: runner, group.name, name="slot-1")


def test_a_slot_answers_doorbells_of_its_queue_until_none_rings(group: Group, slot: Slot) -> None:
    @group.workflow
    def drain(ctx: Any, node: str) -> str:
        return f"drained {node}"

    for n in range(3):
        group.start("drain", f"node-{n}", id=f"op-{n}")
    slot.work(burst=True)
    assert [group.result(f"op-{n}") for n in range(3)] == [f"drained node-{n}" for n in range(3)]
    assert [key for key in group.dump() if key.startswith(("rq:job", "rq:queue:"))] == []


def test_a_slot_leaves_doorbells_while_its_intake_is_shut_and_takes_them_when_it_is_open(
    group: Group, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @group.workflow
    def drain(ctx: Any, node: str) -> str:
        return f"drained {node}"

    monkeypatch.setattr(Slot, "_install_signal_handlers", lambda _: None)
    monkeypatch.setattr("jobs.durable.slot.LOOK_AGAIN", 0)
    runner: Any = group.runner
    group.start("drain", "node-1")
    # Open as it begins to wait; shut when the doorbell is there, and for three looks more.
    turns = iter([False, True, True, True, True, False, False, False])
    seen: list[tuple[str, int]] = []

    def shut() -> bool:
        seen.append((group.state(), len(group.doorbells())))
        return next(turns)

    with Redis.from_url(redis_url) as raw:
        Slot(raw, lambda _: runner, group.name, name="slot-1", shut=shut).work(max_jobs=2)
    # In the queue, in the slot's hands, and given back: another worker could have taken it.
    assert seen[:3] == [("ready", 1), ("ready", 0), ("ready", 1)]
    assert group.result() == "drained node-1"
    assert [key for key in group.dump() if key.startswith(("rq:job", "rq:queue:"))] == []


def test_a_slot_whose_intake_is_shut_ends_when_it_is_told_to(
    group: Group, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Slot, "_install_signal_handlers", lambda _: None)
    runner: Any = group.runner
    looks = iter(range(4))

    def shut() -> bool:
        if next(looks) == 2:
            with suppress(StopRequested):
                waiting.request_stop(15, None)
        return True

    with Redis.from_url(redis_url) as raw:
        waiting = Slot(raw, lambda _: runner, group.name, name="slot-1", shut=shut)
        waiting.work()
    assert waiting.stopping


def test_processes_that_were_forked_share_one_intake() -> None:
    intake = Intake()
    assert not intake.shut
    if (child := os.fork()) == 0:
        intake.set(shut=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert intake.shut
    intake.set(shut=False)
    assert not intake.shut


def test_a_slot_forgets_workers_that_died_without_a_word(group: Group, slot: Slot) -> None:
    listed = ("rq:workers", "rq:workers:drainbot-prod-eu")
    for key in listed:
        group.redis.sadd(key, "rq:worker:dead", "rq:worker:alive")
    group.redis.hset("rq:worker:alive", "birth", "today")
    assert slot.should_run_maintenance_tasks
    slot.run_maintenance_tasks()
    assert [group.redis.smembers(key) for key in listed] == [{"rq:worker:alive"}] * 2
    assert not slot.should_run_maintenance_tasks


def test_a_slot_opens_no_channel_for_commands(group: Group, slot: Slot) -> None:
    slot.subscribe()
    assert group.redis.pubsub_channels() == []
    slot.unsubscribe()


def test_the_name_of_an_owner_begins_with_its_process_and_never_comes_again() -> None:
    names = {owner_name("slot") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("drainbot-slot-") for name in names)
    assert not owner_prefix("slot", 177).startswith(owner_prefix("slot", 17))
