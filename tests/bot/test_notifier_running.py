"""The notifier at work: Redis away, one that tells at a time, where it reads on, and its loop."""

import threading
import time
from dataclasses import replace

import pytest
import redis as redis_client

from bot.message_store import Deposed, Record
from jobs.errors import StateUnavailable
from sandbox.slack import Slack
from tests.bot.messages import samples
from tests.bot.telling_bench import QUICK, Bench, running, said, view


def test_redis_away_is_raised_and_the_telling_goes_on_when_it_is_back(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    bench.client.away = True
    with pytest.raises(StateUnavailable):
        bench.ticks()
    bench.client.away = False
    bench.client.put(running(gone=8, version=9))

    bench.ticks(4)

    assert "8/21" in said(bench.parent())


def test_what_slack_took_while_redis_went_away_is_stored_when_it_is_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = bench.notifier._sender._store.write
    times = iter([True, False])

    def flaky(token: int, operation: str, records: dict[str, Record]) -> None:
        if not next(times, True):
            raise StateUnavailable("Redis can't be reached.")
        write(token, operation, records)

    monkeypatch.setattr(bench.notifier._sender._store, "write", flaky)
    bench.client.put(running())

    bench.ticks(3)

    assert bench.store.read("prod-eu-7f3k9q")["parent"].state == "sent"
    assert len(bench.slack.calls("chat.postMessage")) == 1


def test_one_notifier_tells_at_a_time(bench: Bench) -> None:
    other = bench.another()
    bench.client.put(view())
    bench.ticks(1)

    for _ in range(5):
        other.tick()
        bench.ticks(1)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_a_deposed_notifier_is_refused_by_the_store(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    deposed = bench.notifier
    bench.client.leases.until = 0
    bench.notifier = bench.another()
    bench.client.put(running(gone=5, version=9))
    bench.ticks(4)

    with pytest.raises(Deposed):
        deposed._sender._store.write(1, "prod-eu-7f3k9q", {"parent": Record()})

    assert "5/21" in said(bench.parent())


def test_a_state_that_is_older_than_what_was_said_is_not_told(bench: Bench) -> None:
    bench.client.put(running(gone=9, version=20))
    bench.ticks(3)
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.client.put(running(gone=2, version=19))

    bench.ticks(4)

    assert "9/21" in said(bench.parent())


def test_a_reader_that_fell_behind_rebuilds_from_state(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    ended = samples.ended(id="prod-eu-000002", questions=(), log=(), ended_at=bench.clock.ms())
    bench.client.put(ended, event=False)
    bench.client.lost = True

    bench.ticks(4)

    assert len([m for m in bench.slack.messages("ops") if "subtype" not in m]) == 2


def test_an_operation_that_ended_long_ago_is_left_alone(bench: Bench) -> None:
    bench.client.put(samples.ended(log=(), ended_at=bench.clock.ms() - 7_200_000), event=False)

    bench.ticks(4)

    assert bench.slack.messages("ops") == []


def test_run_tells_and_stops_within_two_seconds_and_leaves_the_lease(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, wait=0.02))
    stop = threading.Event()
    thread = threading.Thread(target=bench.notifier.run, args=(stop,))
    thread.start()
    bench.client.put(running())
    end = time.monotonic() + 20
    while not bench.slack.messages("ops") and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert "3/21" in said(bench.parent())
    assert bench.client.leases.until == 0


def test_run_outlives_a_rendering_that_fails(
    slack: Slack, redis: "redis_client.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, wait=0.02))
    tick = bench.notifier.tick
    faults = iter([RuntimeError("broken"), StateUnavailable("away"), Deposed()])

    def broken(*, wait: float = 0) -> float:
        for fault in faults:
            raise fault
        return tick(wait=wait)

    monkeypatch.setattr(bench.notifier, "tick", broken)
    stop = threading.Event()
    thread = threading.Thread(target=bench.notifier.run, args=(stop,))
    thread.start()
    bench.client.put(running())
    end = time.monotonic() + 30
    while not bench.slack.messages("ops") and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(timeout=10)

    assert "3/21" in said(bench.parent())


def test_a_notifier_looks_every_second_for_a_redis_that_is_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            return len(waits) > 60 or super().wait(0)

        def is_set(self) -> bool:
            return len(waits) > 60

    def away(*, wait: float = 0) -> float:
        raise StateUnavailable("away")

    monkeypatch.setattr(bench.notifier, "tick", away)
    monkeypatch.setattr(bench.notifier, "_renew", lambda _stop: None)
    bench.notifier.run(Stop())
    assert waits[0] < max(waits) == waits[-1] == 1.0


def test_an_end_that_was_missed_is_told_though_it_is_hours_ago(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(2)
    ended = samples.ended(questions=(), log=(), version=50, ended_at=bench.clock.ms())
    bench.client.put(ended, event=False)
    bench.pass_time(10 * 3600)  # nobody was there to tell it
    bench.notifier = bench.another()

    bench.ticks(8)

    assert bench.keys() == ["parent", "finish"]
    told = len(bench.slack.calls())
    bench.notifier = bench.another()
    bench.ticks(8)
    assert len(bench.slack.calls()) == told


def test_what_runs_is_told_by_whoever_takes_over_though_a_hundred_came_after_it(
    bench: Bench,
) -> None:
    long_ago = bench.clock.ms() - 30 * 3600 * 1000
    for number in range(100):
        over = samples.ended(id=f"prod-eu-{number:06d}", questions=(), ended_at=long_ago)
        bench.client.put(over, event=False)
    bench.client.put(running(), event=False)

    bench.ticks(3)

    assert "3/21" in said(bench.parent())


def test_a_lease_that_lapses_while_there_is_more_to_say_begins_anew_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, looks = bench.notifier._hold, iter(range(100))

    def held() -> bool:
        if next(looks) == 1:  # the first was of the tick, this one is before the first call
            bench.client.leases.holder = None
            bench.client.leases.until = 0
            bench.notifier._held_at = float("-inf")
        return hold()

    monkeypatch.setattr(bench.notifier, "_hold", held)
    bench.client.put(running())

    bench.ticks(4)

    assert bench.client.leases.token == 2
    assert "3/21" in said(bench.parent())
