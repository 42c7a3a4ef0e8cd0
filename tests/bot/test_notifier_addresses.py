"""Where an operation is talked about is written down: the worker shows it on the nodes."""

import pytest
from slack_sdk import WebClient

from bot.message_store import Record
from bot.telling import address_of
from jobs.models import OperationEnd, OperationState
from sandbox.slack import Fault
from tests.bot.messages import samples
from tests.bot.telling_bench import TOKEN, Bench, running, view


def permalink(bench: Bench, channel: str, ts: str) -> str:
    """The address as Slack itself gives it."""
    answer = WebClient(TOKEN, base_url=bench.slack.api_url).chat_getPermalink(
        channel=channel, message_ts=ts
    )
    return str(answer["permalink"])


def test_the_address_is_the_one_that_slack_would_give_and_costs_no_call(bench: Bench) -> None:
    bench.client.put(running())

    bench.ticks(4)

    calls = bench.slack.calls("chat.getPermalink")
    assert calls == []
    assert bench.noted == [
        (running().id, permalink(bench, "C01OPS", bench.parent()["ts"])),
    ]


def test_it_is_written_down_once_and_by_a_new_notifier_again(bench: Bench) -> None:
    bench.client.put(running())
    bench.ticks(10)
    assert len(bench.noted) == 1
    bench.pass_time(60)
    bench.notifier = bench.another()
    bench.ticks(4)
    assert bench.noted == [bench.noted[0]] * 2


def test_a_story_that_moves_has_another_address(bench: Bench) -> None:
    bench.client.put(view())
    bench.ticks(4)
    bench.slack.fault(Fault(method="chat.update", kind="error", error="is_archived"))
    bench.client.put(view(version=20, paused_by=samples.BO))
    bench.ticks(8)
    last = bench.noted[-1]
    assert last == (view().id, permalink(bench, "C02FALL", bench.parent("fall")["ts"]))


def test_of_an_operation_that_has_ended_nothing_is_written_down(bench: Bench) -> None:
    done = running().model_copy(
        update={
            "state": OperationState.ENDED, "end": OperationEnd.DRAINED,
            "ended_at": bench.clock.ms(),
        }
    )  # fmt: skip
    bench.client.put(done)
    bench.ticks(4)
    assert bench.noted == []


@pytest.mark.parametrize(
    "records",
    [
        {},
        {"parent": Record(channel="C01", state="sending")},
        {"parent": Record(state="lost", losses=1)},
    ],
)
def test_what_is_not_in_slack_yet_has_no_address(records: dict[str, Record]) -> None:
    assert address_of(records, "https://acme.slack.com/") == ""


def test_without_the_workspaces_address_there_is_none() -> None:
    sent = {"parent": Record(channel="C01", ts="1700000000.000100", state="sent")}
    assert address_of(sent, "") == ""
    assert address_of(sent, "https://acme.slack.com") == (
        "https://acme.slack.com/archives/C01/p1700000000000100"
    )
