"""Slack away for an hour, and 429 for ten minutes: what was missed is told soon, and in few words.

Time is moved by hand; the sandbox's Slack takes no more than Slack itself does.
"""

from typing import Any

import pytest
import redis as redis_client

import sandbox.slack
from bot.messages.text import short_id
from jobs.models import LogEntry
from sandbox.slack import Fault
from tests.bot.messages import samples
from tests.bot.telling_bench import WORKSPACE, Bench, running, said, view

HOUR = 3600
OPERATIONS = ("prod-eu-00000a", "prod-eu-00000b", "prod-eu-00000c")
BACK_WITHIN = 2.0  # seconds
METHODS = (
    "chat.postMessage", "chat.update", "chat.postEphemeral", "chat.delete", "chat.getPermalink",
    "conversations.replies", "conversations.history",
)  # fmt: skip


def lines(bench: Bench, number: int) -> tuple[LogEntry, ...]:
    """So many lines of a story, as evictions that went out one after the other."""
    return tuple(
        LogEntry(key=f"{n}", what="evicted", at=bench.clock.ms(), node="n", fields={"pods": 1})
        for n in range(number)
    )


def away(bench: Bench, *methods: str, **fault: Any) -> None:
    for method in methods or METHODS:
        bench.slack.fault(Fault(method=method, times=100_000, **fault))


def pass_an_hour(bench: Bench) -> None:
    """Three operations go on for an hour: one asks, one ends."""
    for minute in range(60):
        log = lines(bench, minute)
        for operation in OPERATIONS:
            bench.client.put(running(version=10 + minute, gone=minute % 21, id=operation, log=log))
        bench.ticks(6, seconds=10)
    first, second, _ = OPERATIONS
    bench.client.put(view(version=100, id=first, log=log))
    end = {"questions": (), "log": log, "version": 100, "ended_at": bench.clock.ms()}
    bench.client.put(samples.ended(id=second, **end))
    bench.ticks(2)


@pytest.mark.parametrize("how", ["status", "reset"])
def test_an_hour_of_slack_being_away_is_told_in_one_summary_and_soon(
    redis: "redis_client.Redis", how: str
) -> None:
    with sandbox.slack.running(WORKSPACE, rate_limits=True) as slack:
        bench = Bench(slack, redis)
        for operation in OPERATIONS:
            bench.client.put(running(id=operation))
        bench.ticks(20)
        begun = {m["ts"] for m in slack.messages("ops")}
        assert len(begun) == len(OPERATIONS)
        away(bench, kind=how, **({"status": 503} if how == "status" else {"when": "before"}))
        pass_an_hour(bench)
        assert {m["ts"] for m in slack.messages("ops")} == begun
        slack.clear_faults()
        tried = len(slack.calls())

        bench.ticks(int(BACK_WITHIN / 0.25), seconds=0.25)
        assert slack.calls()[tried:], "nothing was told within two seconds"
        bench.ticks(12)  # the last try of a post may be in doubt, and is looked for first
        first, second, _ = OPERATIONS
        assert bench.store.read(first)["q:node-17-block"].state == "sent"
        assert bench.store.read(second)["finish"].state == "sent"
        bench.ticks(120)

        told = slack.calls()[tried:]
        assert all(call["answer"]["ok"] for call in told)
        posts = [call for call in told if call["method"] == "chat.postMessage"]
        # A summary for each, what is asked, and what has ended: 177 lines were missed.
        assert len(posts) == len(OPERATIONS) + 2
        for operation in OPERATIONS:
            records = bench.store.read(operation)
            missed = {key for key in records if key.startswith("log:")}
            assert len(missed) == 59
            assert {records[key].state for key in missed} == {"sent"}
            assert len({records[key].ts for key in missed}) == 1
        parents = {short_id(o): m for m in slack.messages("ops") for o in OPERATIONS
                   if short_id(o) in str(m)}  # fmt: skip
        assert "2 of 2 drained" in said(parents[short_id(OPERATIONS[1])])


def test_an_update_in_doubt_keeps_no_question_waiting(bench: Bench) -> None:
    bench.client.put(running(gone=1))
    bench.ticks(4)
    bench.slack.fault(Fault(method="chat.update", kind="status", status=503))
    away(bench, "chat.update", kind="ratelimited", retry_after=600)
    bench.client.put(running(gone=2, version=6))
    bench.ticks(4)

    bench.client.put(view(version=13))
    bench.ticks(8)

    assert bench.keys() == ["parent", "q:node-17-block"]


def test_429_for_ten_minutes_is_obeyed_and_then_told_in_one_summary(
    redis: "redis_client.Redis",
) -> None:
    with sandbox.slack.running(WORKSPACE, rate_limits=True) as slack:
        bench = Bench(slack, redis)
        bench.client.put(running(gone=1))
        bench.ticks(4)
        away(bench, kind="ratelimited", retry_after=30)
        until = bench.clock.at + 600
        minute = 0
        while bench.clock.at < until:
            minute += 1
            bench.client.put(running(gone=minute, version=10 + minute, log=lines(bench, minute)))
            bench.ticks(60, seconds=1)
        refused = [call for call in slack.calls() if call["status"] == 429]
        # As often as Slack asked for, of each method: no more.
        for method in ("chat.update", "chat.postMessage"):
            assert 15 <= len([call for call in refused if call["method"] == method]) <= 21
        slack.clear_faults()
        tried = len(slack.calls())

        bench.ticks(int(30 + BACK_WITHIN), seconds=1)  # Slack had asked for thirty seconds

        told = slack.calls()[tried:]
        assert all(call["answer"]["ok"] for call in told)
        posts = [call for call in told if call["method"] == "chat.postMessage"]
        assert len(posts) == 1
        assert len(bench.keys()) == 2
        assert "10/21" in said(bench.parent())
