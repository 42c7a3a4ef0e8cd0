"""The keeper on a real Redis with real connections; only its own clock is passed in."""

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs.durable import connect
from jobs.durable.keeper import Keeper
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Clock, Group


@pytest.fixture
def uptime(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The keeper's own clock, moved by hand."""
    clock = Clock()
    monkeypatch.setattr("jobs.durable.keeper.uptime", lambda: clock.at / 1000)
    return clock


@pytest.fixture
def keeper(group: Group) -> Keeper:
    return Keeper(group.store, name="keeper-1", keep_for=3600, host="node-7")


@pytest.fixture
def slot(redis_url: str) -> Iterator["Redis"]:
    """A connection that carries the name of a slot."""
    with connect(redis_url, name="slot-1") as client:
        client.ping()
        yield client


def test_a_keeper_fires_timers_reaps_leases_and_rings_lost_doorbells(
    group: Group, keeper: Keeper, uptime: Clock
) -> None:
    calls.start(group, "op-lost")
    calls.start(group, "op-timer")
    calls.suspend(group, group.take("op-timer"), calls.timer(seconds=3))
    calls.start(group, "op-lapsed")
    group.take("op-lapsed", lease=3)
    group.redis.delete(group.queue)
    group.clock.advance(3)
    keeper.tick()
    assert {group.state(id) for id in ("op-lost", "op-timer", "op-lapsed")} == {"ready"}
    assert len(group.doorbells()) == 3


def test_a_keeper_takes_over_from_an_owner_whose_connections_are_gone(
    group: Group, keeper: Keeper, uptime: Clock, slot: "Redis"
) -> None:
    calls.start(group)
    group.take(lease=600)
    for _ in range(3):
        keeper.tick()
        uptime.advance(10)
    assert group.state() == "running"
    slot.close()
    keeper.tick()
    assert group.state() == "running"
    uptime.advance(0.4)
    keeper.tick()
    assert (group.state(), group.events()[-1]) == ("ready", "reaped")


def test_a_keeper_is_seen_by_readers_with_its_host(
    group: Group, keeper: Keeper, uptime: Clock
) -> None:
    keeper.tick()
    assert group.members("workers") == {"node-7|keeper-1": group.clock.at + 5000}


def test_a_keeper_that_ends_is_not_seen_any_more(group: Group, keeper: Keeper) -> None:
    other = Keeper(group.store, name="keeper-2", keep_for=3600, host="node-7")
    other.tick()
    turns = iter([False, True])
    keeper.run(lambda _: next(turns))
    assert group.members("workers") == {"node-7|keeper-2": group.clock.at + 5000}


def test_a_keeper_that_is_gone_for_long_is_not_seen_any_more(
    group: Group, keeper: Keeper, uptime: Clock
) -> None:
    keeper.tick()
    group.clock.advance(120)
    uptime.advance(120)
    Keeper(group.store, name="keeper-2", keep_for=3600).tick()
    assert list(group.members("workers")) == ["|keeper-2"]


def test_a_keeper_forgets_what_ended_long_ago(group: Group, keeper: Keeper, uptime: Clock) -> None:
    calls.start(group)
    calls.finish(group, group.take())
    keeper.tick()
    assert group.store.workflow("op-1") is not None
    group.clock.advance(3600)
    keeper.tick()
    assert group.store.workflow("op-1") is not None  # it looks once a minute
    uptime.advance(60)
    keeper.tick()
    assert group.store.workflow("op-1") is None


def test_a_keeper_outlives_a_redis_that_is_away(
    group: Group, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def tick() -> None:
        looks.append("looked")
        if len(looks) == 1:
            raise RedisConnectionError("away")

    monkeypatch.setattr(keeper, "tick", tick)
    keeper.run(lambda _: len(looks) == 3)
    assert len(looks) == 3
