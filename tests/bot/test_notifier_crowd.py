"""Thirty operations at once: one budget for all, said where it is tight, and ten minutes of 429."""

from collections import Counter
from collections.abc import Iterator

import pytest
import redis as redis_client

import sandbox.slack
from bot.messages import Audience
from bot.messages.progress import parent
from bot.telling import shown_every
from jobs.models import LogEntry
from sandbox.slack import Fault
from tests.bot.messages import samples
from tests.bot.telling_bench import WORKSPACE, Bench, running, said, view

THIRTY = [f"prod-eu-{number:06d}" for number in range(30)]
METHODS = ("chat.postMessage", "chat.update", "chat.postEphemeral", "chat.getPermalink")


@pytest.fixture
def strict(redis: "redis_client.Redis") -> Iterator[Bench]:
    with sandbox.slack.running(WORKSPACE, rate_limits=True) as slack:
        yield Bench(slack, redis)


def parents(bench: Bench) -> dict[str, str]:
    """What each operation's own message says, by operation."""
    own = [m for m in bench.slack.messages("ops") if m.get("subtype") != "thread_broadcast"]
    return {m["metadata"]["event_payload"]["operation"]: said(m) for m in own}


def test_the_rate_is_said_where_it_drops(strict: Bench) -> None:
    strict.client.put(running(gone=1, id=THIRTY[0]))
    strict.ticks(4, seconds=1)
    assert "updates every" not in parents(strict)[THIRTY[0]]

    for operation in THIRTY:
        strict.client.put(running(gone=1, id=operation))
    strict.ticks(60, seconds=1)
    for operation in THIRTY:
        strict.client.put(running(gone=2, version=6, id=operation))
    strict.ticks(60, seconds=1)

    shown = parents(strict)
    assert len(shown) == 30
    assert all("updates every 45 s or so" in words for words in shown.values())


def test_each_of_thirty_operations_gets_its_turn_within_what_is_said(strict: Bench) -> None:
    for operation in THIRTY:
        strict.client.put(running(gone=0, id=operation))
    strict.ticks(60, seconds=1)
    before = len(strict.slack.calls("chat.update"))
    for second in range(180):
        for operation in THIRTY:
            strict.client.put(running(gone=second % 20, version=10 + second, id=operation))
        strict.ticks(1, seconds=1)
    updates = strict.slack.calls("chat.update")[before:]
    turns = Counter(call["arguments"]["ts"] for call in updates)
    assert len(turns) == 30
    assert max(turns.values()) - min(turns.values()) <= 1
    assert min(turns.values()) >= 180 // 60
    assert all(call["answer"]["ok"] for call in updates)
    assert len(updates) <= 3 * 45


def test_that_it_is_said_is_no_reason_for_an_update() -> None:
    digests = {parent(running(), samples.T0, Audience(every=every)).digest for every in (0, 30, 45)}
    assert len(digests) == 1


def go_on(strict: Bench, minute: int) -> None:
    """Let a minute's worth happen in thirty operations: a third of them ask, the others move."""
    for number, operation in enumerate(THIRTY):
        log = tuple(
            LogEntry(key=str(n), what="evicted", at=strict.clock.ms(), node="n")
            for n in range(minute)
        )
        strict.client.put(
            running(gone=minute, version=10 + minute, log=log, id=operation)
            if number % 3
            else view(version=10 + minute, log=log, id=operation)
        )


def test_ten_minutes_of_429_with_thirty_operations_lose_nothing_and_double_nothing(
    strict: Bench,
) -> None:
    for operation in THIRTY:
        strict.client.put(running(gone=1, id=operation))
    strict.ticks(60, seconds=1)
    calls = len(strict.slack.calls())
    for method in METHODS:
        strict.slack.fault(
            Fault(method=method, kind="ratelimited", retry_after=30, times=1_000_000)
        )
    for minute in range(10):
        go_on(strict, minute)
        strict.ticks(30, seconds=2)
    asked = len(strict.slack.calls()) - calls
    strict.slack.clear_faults()
    for number, operation in enumerate(THIRTY):
        if number % 3 == 1:
            ended = samples.ended(
                questions=(), log=(), version=90, ended_at=strict.clock.ms(), id=operation
            )
            strict.client.put(ended)

    strict.ticks(240, seconds=1)

    assert asked <= 10 * 60 / 30 * len(METHODS) * 2  # it waited as long as Slack said
    shown = parents(strict)
    assert sorted(shown) == THIRTY
    for number, operation in enumerate(THIRTY):
        records = strict.store.read(operation)
        assert all(record.state == "sent" for record in records.values()), operation
        if number % 3 == 0:
            assert "q:node-17-block" in records
            assert "Waiting for people" in shown[operation]
        elif number % 3 == 1:
            assert "2 of 2 drained" in shown[operation]
            assert "finish" in records
        else:
            assert "9/21" in shown[operation]
    keys = Counter(
        tuple(sorted(m["metadata"]["event_payload"].items()))
        for top in strict.slack.messages("ops")
        if top.get("subtype") != "thread_broadcast"
        for m in strict.slack.thread("ops", top["ts"])
    )
    assert set(keys.values()) == {1}


@pytest.mark.parametrize(
    ("number", "seconds"), [(0, 0), (1, 0), (3, 0), (4, 10), (10, 15), (30, 45), (9_999, 600)]
)
def test_how_often_progress_is_shown_is_said_in_steps(number: int, seconds: int) -> None:
    assert shown_every([running()] * number, 1.5) == seconds
