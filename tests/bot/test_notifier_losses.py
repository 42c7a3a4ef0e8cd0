"""What was lost with Redis is told once, in the fallback channel, whatever happens meanwhile."""

from dataclasses import replace

import redis as redis_client

from sandbox.slack import Fault, Slack
from tests.bot.messages.test_lost_words import LOST
from tests.bot.telling_bench import QUICK, Bench, running, said


def test_what_was_lost_is_told_once_in_the_fallback_channel(bench: Bench) -> None:
    bench.lost = (LOST,)
    bench.ticks(30)
    words = said(bench.parent("fall"))
    assert "node-17" in words
    assert "drainbot orphans --undo" in words
    assert bench.slack.messages("ops") == []
    assert len(bench.slack.calls("chat.postMessage")) == 1
    assert bench.slack.calls("chat.update") == []


def test_another_notifier_does_not_tell_it_again(bench: Bench) -> None:
    bench.lost = (LOST,)
    bench.ticks(3)
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.ticks(5)
    assert len(bench.slack.messages("fall")) == 1


def test_a_second_loss_is_told_too(bench: Bench) -> None:
    bench.lost = (LOST,)
    bench.ticks(3)
    bench.redis.flushall()
    bench.lost = (LOST.model_copy(update={"at": LOST.at + 60_000}),)
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.ticks(5)
    assert len(bench.slack.messages("fall")) == 2


def test_a_post_of_it_whose_answer_was_lost_is_found_again(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", when="after"))
    bench.lost = (LOST,)
    bench.ticks(30)
    assert len(bench.slack.messages("fall")) == 1


def test_it_waits_while_slack_is_away_and_operations_are_told_meanwhile(bench: Bench) -> None:
    bench.slack.fault(Fault(method="chat.postMessage", kind="reset", times=2))
    bench.lost = (LOST,)
    bench.client.put(running())
    bench.ticks(30)
    assert len(bench.slack.messages("fall")) == 1
    assert "3/21" in said(bench.parent())


def test_a_fallback_channel_that_is_gone_holds_up_nobody(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, fallback_channel="C04OLD"))
    bench.lost = (LOST,)
    bench.client.put(running())
    bench.ticks(10)
    assert "3/21" in said(bench.parent())


def test_without_a_fallback_channel_nothing_is_told(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, fallback_channel=""))
    bench.lost = (LOST,)
    bench.ticks(5)
    assert bench.slack.calls("chat.postMessage") == []
