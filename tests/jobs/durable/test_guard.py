"""The guard of a lease, on short leases and a real Redis. Its end of the process is injected."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.durable import Flags, Store, Token, connect
from jobs.durable.guard import LeaseGuard, uptime
from sandbox import redis as sandbox_redis
from tests.jobs.durable.harness import Group
from tests.jobs.durable.processes import until

LEASE = 0.6


class Lapses:
    """Counts what would have killed the process."""

    def __init__(self) -> None:
        self.happened = threading.Event()
        self.at = 0.0

    def __call__(self) -> None:
        if not self.happened.is_set():
            self.at = uptime()
        self.happened.set()


Start = Callable[..., tuple[LeaseGuard, Lapses]]


@pytest.fixture
def store(group: Group) -> Store:
    """On Redis' own clock."""
    return Store(group.redis, group.name)


@pytest.fixture
def running(store: Store) -> Token:
    store.start("op-1", "drain", None, dedup="d")
    store.acquire("op-1", 1, owner="slot-1", lease=LEASE, token="n")
    return Token(store.group, "op-1", 1, "n")


@pytest.fixture
def guarded(store: Store, running: Token) -> Iterator[Start]:
    """Starts guards, and stops them when the test is over."""
    started: list[LeaseGuard] = []

    def start(*, ago: float = 0) -> tuple[LeaseGuard, Lapses]:
        lapses = Lapses()
        guard = LeaseGuard(
            store, running, lease=LEASE, acquired=uptime() - ago, flags=Flags(), on_lapse=lapses
        )
        guard.start()
        started.append(guard)
        return guard, lapses

    yield start
    for guard in started:
        guard.stop()


def lease_of(store: Store) -> int:
    return int(str(store.redis.hget("drainbot:prod-eu:wf:op-1", "lease")))


def test_a_lease_is_renewed_while_the_main_thread_gets_on(store: Store, guarded: Start) -> None:
    before = lease_of(store)
    guard, lapses = guarded()
    guard.expect(600)
    until(lambda: lease_of(store) > before + LEASE * 2000)
    assert store.sweep()["leases"] == 0
    assert not lapses.happened.is_set()
    guard.check()
    assert not lapses.happened.is_set()


def test_a_main_thread_that_breaks_its_promise_loses_its_lease_and_its_process(
    store: Store, guarded: Start
) -> None:
    guard, lapses = guarded()
    guard.expect(LEASE)
    assert lapses.happened.wait(60)
    until(lambda: store.sweep()["leases"] == 1)


def test_the_lease_that_a_guard_believes_in_is_never_the_longer_one(
    store: Store, guarded: Start
) -> None:
    guard, _ = guarded(ago=0.2)
    guard.expect(600)
    for _ in range(3):
        before = lease_of(store)
        until(lambda before=before: lease_of(store) > before)  # type: ignore[misc]
        left, now = guard.left(), store.now()
        assert left <= (lease_of(store) - now) / 1000 + 0.002  # Redis counts whole ms


def test_a_process_that_was_stopped_past_its_lease_dies_before_it_does_anything_else(
    store: Store, guarded: Start
) -> None:
    guard, lapses = guarded(ago=LEASE)
    guard.check()
    assert lapses.happened.is_set()


def test_a_lease_that_has_lapsed_is_not_renewed_though_nobody_took_over(
    store: Store, guarded: Start
) -> None:
    before = lease_of(store)
    guard, lapses = guarded(ago=LEASE)
    guard.expect(600)
    assert lapses.happened.wait(60)
    renewing = guard._threads[0]
    renewing.join(60)
    assert not renewing.is_alive()
    assert lease_of(store) == before


def test_a_renewal_that_is_fenced_ends_the_process(
    store: Store, running: Token, guarded: Start
) -> None:
    guard, lapses = guarded()
    guard.expect(600)
    store.reap("op-1", running.epoch, running.nonce)
    assert lapses.happened.wait(60)


def test_a_guard_that_is_stopped_renews_nothing_and_kills_nobody(
    store: Store, running: Token, guarded: Start
) -> None:
    guard, lapses = guarded()
    guard.expect(600)
    guard.stop()
    before = lease_of(store)
    store.reap("op-1", running.epoch, running.nonce)
    assert not lapses.happened.wait(LEASE * 2)
    assert lease_of(store) == before


def test_an_activation_that_ends_while_its_lease_is_renewed_is_no_take_over(
    store: Store, running: Token, guarded: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = threading.Event()
    renew = store.renew

    def late(*arguments: Any) -> dict[str, Any]:
        store.fenced_call("finish", running, state="done", outcome="null")
        reply = renew(*arguments)
        renewed.set()
        return reply

    monkeypatch.setattr(store, "renew", late)
    guard, lapses = guarded()
    guard.expect(600)
    guard.ending = True
    assert renewed.wait(60)
    guard.stop()
    assert not lapses.happened.is_set()


def test_flags_are_learned_with_a_renewal(store: Store, guarded: Start) -> None:
    guard, _ = guarded()
    guard.expect(600)
    store.control("op-1", "abort", by="T:U1", call="c", reason="wrong")
    assert guard.changed.wait(60)
    assert guard.flags.abort is not None
    assert guard.flags.abort.reason == "wrong"


def test_the_latest_progress_is_stored_with_a_renewal_or_at_once(
    store: Store, guarded: Start
) -> None:
    guard, _ = guarded()
    guard.expect(600)
    for left in (3, 2):
        guard.progress({"left": left})

    def progress() -> Any:
        record = store.workflow("op-1")
        assert record is not None
        return record.progress

    until(lambda: progress() == {"left": 2})
    guard.progress({"left": 1})
    guard.flush()
    assert progress() == {"left": 1}


def test_a_redis_that_does_not_answer_does_not_keep_a_lapsed_slot_alive(
    running: Token,
) -> None:
    with sandbox_redis.running(appendfsync="no") as server:
        store = Store(connect(server.url, name="slot-1"), "prod-eu")
        store.start("op-1", "drain", None, dedup="d")
        store.acquire("op-1", 1, owner="slot-1", lease=LEASE, token="n")
        lapses = Lapses()
        acquired = uptime()
        guard = LeaseGuard(
            store, running, lease=LEASE, acquired=acquired, flags=Flags(), on_lapse=lapses
        )
        server.freeze()
        try:
            guard.start()
            guard.expect(600)
            assert lapses.happened.wait(4)  # the call itself waits for five seconds, and again
            assert lapses.at - acquired >= LEASE
        finally:
            server.thaw()
            guard.stop()


@pytest.mark.parametrize("end", ["finish", "suspend", "continue_as", "release"])
def test_a_renewal_that_the_end_of_its_activation_overtakes_kills_nobody(
    group: Group, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    guards: list[LeaseGuard] = []
    send = group.store.fenced_call
    ended: list[str] = []

    @group.workflow
    def drain(ctx: Any, again: bool) -> None:  # noqa: FBT001  (an input of a workflow)
        guards.append(ctx._guard)
        if end == "suspend":
            ctx.sleep("s", 5)
        elif end == "continue_as" and again:
            ctx.continue_as(input=False)
        elif end == "release":
            group.stopping = True
            ctx.step("s", lambda: 1)

    def call(script: str, *arguments: Any, **named: Any) -> dict[str, Any]:
        reply = send(script, *arguments, **named)
        ended.append(script)
        guards[-1]._renew()
        return reply

    monkeypatch.setattr(group.store, "fenced_call", call)
    group.start("drain", input=True)
    group.work(most=1)
    assert ended == [end]
    assert group.lapsed == []


def test_a_take_over_after_a_wait_that_was_decided_at_once_ends_the_process(group: Group) -> None:
    @group.workflow
    def drain(ctx: Any, _: Any) -> None:
        assert ctx.wait_for("none", [], need=0) == ()
        group.store.reap("op-1", ctx.token.epoch, ctx.token.nonce)
        ctx._guard._renew()

    group.start("drain")
    assert group.work(most=1) == ["fenced"]
    assert group.lapsed == ["lapsed"]
