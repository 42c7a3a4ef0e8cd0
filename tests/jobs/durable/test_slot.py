"""A slot as a worker of RQ."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

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
