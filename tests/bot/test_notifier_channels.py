"""Where the notifier tells when a channel was not named, is gone, or has lost a message."""

from dataclasses import replace

import pytest
import redis as redis_client
from slack_sdk import WebClient

from jobs.models import Vote
from sandbox.slack import Fault, Slack
from tests.bot.messages import samples
from tests.bot.telling_bench import QUICK, TOKEN, Bench, buttons, running, said, view


def _delete(bench: Bench, ts: str) -> None:
    """A person's deed; the same app does it here."""
    WebClient(TOKEN, base_url=bench.slack.api_url).chat_delete(channel="C01OPS", ts=ts)


def test_an_operation_without_a_channel_is_told_in_the_fallback_channel(bench: Bench) -> None:
    bench.client.put(view(channel=""))

    bench.ticks(3)

    assert "Waiting for people" in said(bench.parent("fall"))


@pytest.mark.parametrize("channel", ["C04OLD", "C05OUT", "C0NOWHERE"])
def test_a_channel_that_is_gone_sends_the_word_to_the_fallback_channel(
    bench: Bench, channel: str
) -> None:
    bench.client.put(view(channel=channel))

    bench.ticks(8)

    assert bench.keys("fall") == ["parent", "q:node-17-block"]
    assert f"<#{channel}> can't be reached" in said(bench.parent("fall"))


def test_a_channel_that_is_archived_in_between_moves_what_is_open(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    bench.slack.fault(Fault(method="chat.update", kind="error", error="is_archived"))
    bench.client.put(view(version=20, paused_by=samples.BO))

    bench.ticks(8)

    assert bench.keys("fall") == ["parent", "q:node-17-block"]


def test_a_question_that_somebody_deleted_is_asked_in_the_fallback_channel(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    (asked,) = bench.replies()
    _delete(bench, asked["ts"])
    voted = samples.question(waits=(Vote(choice="wait", by=samples.BO, at=samples.T0),))
    bench.client.put(view(version=13, questions=(voted,)))

    bench.ticks(6)

    (again,) = bench.slack.messages("fall")
    assert "Force db-2…" in buttons(again)


def test_a_parent_that_somebody_deleted_comes_back_in_the_fallback_channel(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    _delete(bench, bench.parent()["ts"])
    bench.client.put(view(version=13, paused_by=samples.BO))

    bench.ticks(6)

    assert "Paused" in said(bench.parent("fall"))


def test_without_a_fallback_channel_a_deleted_parent_comes_back_where_it_was(
    slack: Slack, redis: "redis_client.Redis"
) -> None:
    bench = Bench(slack, redis, settings=replace(QUICK, fallback_channel=""))
    bench.client.put(running())
    bench.ticks(2)
    _delete(bench, bench.parent()["ts"])
    bench.client.put(running(gone=20, version=9))

    bench.ticks(6)

    assert "20/21" in said(bench.parent())
