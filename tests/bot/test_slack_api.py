import socket
import time
from collections.abc import Iterator

import pytest

import sandbox.slack
from bot.messages.blocks import section
from bot.slack_api import Away, Failed, Found, RateLimited, Sent, SlackApi, Unknown
from sandbox.slack import Fault, Slack
from sandbox.slack.house_rules import SWITCH
from tests.bot.telling_bench import TOKEN, WORKSPACE

PAYLOAD = {"key": "parent", "operation": "prod-eu-7f3k9q"}
BLOCKS = [section(["words"])]


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    monkeypatch.delenv(SWITCH)  # these are calls, and no messages to people
    with sandbox.slack.running(WORKSPACE, rate_limits=False) as running:
        yield running


@pytest.fixture
def api(slack: Slack) -> SlackApi:
    return SlackApi(TOKEN, base_url=slack.api_url, timeout=2)


def _post(api: SlackApi, channel: str = "C01OPS", **options: str) -> Sent:
    outcome = api.post(channel, "words", BLOCKS, payload=PAYLOAD, **options)  # type: ignore[arg-type]
    assert isinstance(outcome, Sent)
    return outcome


def test_a_post_can_be_updated_found_linked_and_deleted(api: SlackApi, slack: Slack) -> None:
    sent = _post(api)

    assert api.update(sent.channel, sent.ts, "other", BLOCKS, payload=PAYLOAD) == Sent(
        "C01OPS", sent.ts
    )
    assert slack.messages("ops")[0]["text"] == "other"
    assert api.find("C01OPS", PAYLOAD, oldest="0") == Found((sent.ts,))
    link = api.permalink("C01OPS", sent.ts)
    assert isinstance(link, Sent)
    assert link.link.startswith("http")
    assert isinstance(api.delete("C01OPS", sent.ts), Sent)
    assert slack.messages("ops") == []


def test_a_reply_is_found_in_its_thread_beyond_the_first_page(api: SlackApi) -> None:
    parent = _post(api)
    for _ in range(210):
        api.say("C01OPS", "chatter", thread_ts=parent.ts)
    reply = api.post(
        "C01OPS", "x", BLOCKS, thread_ts=parent.ts, broadcast=True, payload={"key": "q:1"}
    )
    assert isinstance(reply, Sent)

    assert api.find("C01OPS", {"key": "q:1"}, thread_ts=parent.ts, oldest="0") == Found((reply.ts,))


def test_messages_of_others_and_of_other_keys_are_not_found(api: SlackApi, slack: Slack) -> None:
    slack.say("ana", "ops", "parent prod-eu-7f3k9q")
    _post(api)

    assert api.find("C01OPS", {**PAYLOAD, "key": "finish"}, oldest="0") == Found(())


def test_words_to_one_person_are_seen_by_that_person_alone(api: SlackApi, slack: Slack) -> None:
    assert isinstance(api.ephemeral("C01OPS", "U02BOB", "for you"), Sent)

    assert [m["text"] for m in slack.ephemerals("bo")] == ["for you"]
    assert slack.ephemerals("ana") == []


def test_a_429_says_how_long_to_wait_and_is_not_tried_again(api: SlackApi, slack: Slack) -> None:
    slack.fault(Fault(method="chat.postMessage", kind="ratelimited", retry_after=17))

    outcome = api.post("C01OPS", "words", BLOCKS, payload=PAYLOAD)

    assert outcome == RateLimited(17)
    assert len(slack.calls("chat.postMessage")) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cut_connection_is_in_doubt_and_is_not_tried_again(
    api: SlackApi, slack: Slack, when: str
) -> None:
    slack.fault(Fault(method="chat.postMessage", kind="reset", when=when))

    outcome = api.post("C01OPS", "words", BLOCKS, payload=PAYLOAD)

    assert isinstance(outcome, Unknown)
    assert len(slack.messages("ops")) == (when == "after")


def test_an_answer_that_comes_too_late_is_in_doubt(slack: Slack) -> None:
    slack.fault(Fault(method="chat.postMessage", kind="stall", seconds=3))
    api = SlackApi(TOKEN, base_url=slack.api_url, timeout=0.3)
    began = time.monotonic()

    outcome = api.post("C01OPS", "words", BLOCKS, payload=PAYLOAD)

    assert isinstance(outcome, Unknown)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="chat.postMessage", kind="status", status=503),
        Fault(method="chat.postMessage", kind="error", error="fatal_error"),
        Fault(method="chat.postMessage", kind="error", error="internal_error"),
    ],
)
def test_a_server_in_trouble_may_have_carried_it_out(
    api: SlackApi, slack: Slack, fault: Fault
) -> None:
    slack.fault(fault)

    assert isinstance(api.post("C01OPS", "words", BLOCKS, payload=PAYLOAD), Unknown)


def test_nobody_listening_is_known_not_to_have_carried_it_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    api = SlackApi(TOKEN, base_url=f"http://127.0.0.1:{port}/api/", timeout=2)

    assert isinstance(api.post("C01OPS", "words", BLOCKS, payload=PAYLOAD), Away)


@pytest.mark.parametrize(
    ("channel", "error"),
    [("C04OLD", "is_archived"), ("C05OUT", "not_in_channel"), ("C0NO", "channel_not_found")],
)
def test_a_refusal_carries_slacks_own_code(api: SlackApi, channel: str, error: str) -> None:
    assert api.post(channel, "words", BLOCKS, payload=PAYLOAD) == Failed(error)


def test_a_search_that_fails_says_why(api: SlackApi, slack: Slack) -> None:
    slack.fault(Fault(method="conversations.history", kind="ratelimited", retry_after=3))

    assert api.find("C01OPS", PAYLOAD, oldest="0") == RateLimited(3)
    assert api.find("C0NO", PAYLOAD, oldest="0") == Failed("channel_not_found")


def test_a_proxy_is_passed_by_where_the_environment_says_so(
    slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    api = SlackApi(TOKEN, base_url=slack.api_url, timeout=2)

    assert isinstance(api.post("C01OPS", "words", BLOCKS, payload=PAYLOAD), Sent)
