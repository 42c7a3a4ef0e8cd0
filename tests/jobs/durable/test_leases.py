"""Leases of activations, and named leases for roles of which one holder is wanted."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.durable import Store
from jobs.durable.keeper import Keeper, reap_dead
from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

# -- of activations ----------------------------------------------------------------------------


def test_a_renewed_lease_does_not_lapse(group: Group, token: Token) -> None:
    for _ in range(5):
        group.clock.advance(2)
        assert group.store.renew(token, 3)["result"] == "ok"
        assert group.sweep()["leases"] == 0
    assert group.state() == "running"


def test_a_lapsed_lease_is_reaped_and_its_holder_can_write_nothing(
    group: Group, token: Token
) -> None:
    group.clock.advance(3)
    assert group.sweep()["leases"] == 1
    assert group.store.renew(token, 3) == {"result": "fenced"}
    assert calls.commit(group, token) == {"result": "fenced"}
    assert group.take().epoch == token.epoch + 1


def test_a_take_over_by_hint_tells_when_the_old_lease_runs_out_in_full(group: Group) -> None:
    seen: list[int] = []

    @group.workflow
    def drain(ctx: Any, _: Any) -> None:
        seen.append(ctx.old_lease)

    group.start("drain")
    token = group.take(lease=3)
    group.clock.advance(1)
    group.store.renew(token, 3)
    group.store.reap("op-1", token.epoch, token.nonce)
    group.work()
    assert seen == [group.clock.at + 3000]


def test_two_keepers_that_sweep_at_once_do_each_thing_once(group: Group) -> None:
    for n in range(40):
        calls.start(group, f"op-{n}")
        running = group.take(f"op-{n}", lease=3)
        if n % 2:
            calls.suspend(group, running, calls.timer(seconds=3))
    group.clock.advance(3)
    stores = [Store(group.redis, group.name, clock=group.clock) for _ in range(2)]

    def sweep(store: Store) -> tuple[int, int]:
        done = [store.sweep(limit=3) for _ in range(40)]
        return sum(d["timers"] for d in done), sum(d["leases"] for d in done)

    with ThreadPoolExecutor() as threads:
        counted = list(threads.map(sweep, stores))
    assert [sum(column) for column in zip(*counted, strict=True)] == [20, 20]
    assert len(group.doorbells()) == len(set(group.doorbells())) == 40


def test_the_dead_are_reaped_at_once_and_nobody_else(group: Group) -> None:
    owners = {"op-1": "drainbot-slot-host-17-abc", "op-2": "drainbot-slot-host-177-abc"}
    for id, owner in owners.items():
        calls.start(group, id)
        group.store.acquire(id, 1, owner=owner, lease=60, token="n")
    reap_dead(group.store, "drainbot-slot-host-17-")
    assert (group.state("op-1"), group.state("op-2")) == ("ready", "running")


# -- named ones --------------------------------------------------------------------------------


def test_a_named_lease_has_one_holder_and_each_new_one_a_higher_token(group: Group) -> None:
    lease = group.store.lease
    first = lease("watcher", "a", 10)
    assert first > 0
    assert lease("watcher", "b", 10) == 0
    group.clock.advance(5)
    assert lease("watcher", "a", 10) == first
    group.clock.advance(9)
    assert lease("watcher", "b", 10) == 0
    group.clock.advance(1)
    assert lease("watcher", "b", 10) > first
    assert lease("watcher", "a", 10) == 0


def test_a_holder_whose_lease_lapsed_unnoticed_gets_a_new_token(group: Group) -> None:
    first = group.store.lease("watcher", "a", 10)
    group.clock.advance(10)
    assert group.store.lease("watcher", "a", 10) > first


def test_a_named_lease_that_is_given_up_is_free_at_once(group: Group) -> None:
    first = group.store.lease("watcher", "a", 10)
    assert group.store.lease("watcher", "a", 0) == 0
    assert group.store.lease("watcher", "b", 10) > first


def test_a_token_that_was_lost_with_redis_is_never_given_again(group: Group) -> None:
    given = []
    for owner in "abcd":
        given.append(group.store.lease("watcher", owner, 0.001))
        group.clock.advance(0.001)
    group.redis.flushall()
    group.clock.advance(1)
    assert group.store.lease("watcher", "e", 10) > max(given)


def test_only_the_holder_can_give_a_named_lease_up(group: Group) -> None:
    group.store.lease("watcher", "a", 10)
    group.store.lease("watcher", "b", 0)
    assert group.store.lease("watcher", "b", 10) == 0


def test_named_leases_know_nothing_of_each_other(group: Group) -> None:
    assert group.store.lease("watcher", "a", 10) > 0
    assert group.store.lease("notifier", "b", 10) > 0
    assert Group(group.redis, name="prod-us").store.lease("watcher", "b", 10) > 0


@pytest.mark.parametrize("ms", [10_000, 0])
def test_a_named_lease_asked_for_twice_is_the_same(group: Group, ms: int) -> None:
    token = group.store.lease("watcher", "a", 10)
    said = group.twice("lease", name="watcher", owner="a", ms=ms)
    assert said == {"token": token if ms else 0}


# -- turns -------------------------------------------------------------------------------------


def test_one_at_a_time_has_a_turn_until_it_ends_or_its_time_is_over(group: Group) -> None:
    turn = group.store.turn
    assert turn("q-1", "db-0", 60)
    assert not turn("q-1", "db-1", 60)
    assert turn("q-2", "db-1", 60)
    group.clock.advance(30)
    assert turn("q-1", "db-0", 60)  # longer
    group.clock.advance(59)
    assert not turn("q-1", "db-1", 60)
    group.clock.advance(1)
    assert turn("q-1", "db-1", 60)
    assert not turn("q-1", "db-0", 0)  # it had none to end
    assert not turn("q-1", "db-0", 60)
    turn("q-1", "db-1", 0)
    assert turn("q-1", "db-0", 60)


def test_nothing_is_kept_of_a_turn(group: Group) -> None:
    group.store.turn("q-1", "db-0", 60)
    key = "drainbot:prod-eu:lease:turn:q-1"
    assert 60 < group.redis.ttl(key) <= 120
    group.store.turn("q-1", "db-0", 0)
    assert 0 < group.redis.ttl(key) <= 60


# -- a keeper's hint ---------------------------------------------------------------------------


def test_a_hint_never_reaps_an_activation_that_took_over_meanwhile(
    group: Group, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(group.store, name="keeper", keep_for=60)
    reap = group.store.reap

    def late(id: str, epoch: int, nonce: str) -> str:
        reap(id, epoch, nonce)  # another keeper was faster, and another slot took it
        group.take()
        return reap(id, epoch, nonce)

    monkeypatch.setattr(group.store, "reap", late)
    monkeypatch.setattr("jobs.durable.keeper.uptime", iter([0.0, 0.5]).__next__)
    keeper.tick()
    keeper.tick()
    assert (group.state(), group.hash("wf:op-1")["epoch"]) == ("running", "2")
