import time

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack import Clock, Fault, Slack
from sandbox.slack.faults import Faults
from sandbox.slack.ratelimits import BURST, RateLimits
from tests.sandbox.slack.making import web_client


def test_a_channel_takes_a_short_burst_and_then_one_post_a_second(
    slack: Slack, client: WebClient
) -> None:
    slack.set_rate_limits(enabled=True)
    for _ in range(BURST):
        client.chat_postMessage(channel="C0OPS", text="x")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C0OPS", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    client.chat_postMessage(channel="C0SECRET", text="another channel")
    slack.advance(1)
    client.chat_postMessage(channel="C0OPS", text="x")
    assert len(slack.messages("ops")) == BURST + 1


def test_updates_are_50_a_minute_for_all_messages_together(slack: Slack, client: WebClient) -> None:
    slack.set_rate_limits(enabled=True)
    ts = client.chat_postMessage(channel="C0OPS", text="x")["ts"]
    for n in range(50):
        client.chat_update(channel="C0OPS", ts=ts, text=str(n))
    slack.advance(12)
    with pytest.raises(SlackApiError) as caught:
        client.chat_update(channel="C0OPS", ts=ts, text="one too many")
    assert caught.value.response["error"] == "ratelimited"
    assert caught.value.response.headers["Retry-After"] == "48"
    slack.advance(48)
    client.chat_update(channel="C0OPS", ts=ts, text="again")


def test_a_window_slides() -> None:
    limits = RateLimits()
    assert [limits.per_minute(("m",), 2, at) for at in (0, 30, 59, 60)] == [None, None, 1, None]
    assert limits.per_minute(("m",), 2, 61) == 29
    assert limits.per_minute(("other",), 2, 61) is None


def test_limits_that_are_off_refuse_nothing() -> None:
    limits = RateLimits(enabled=False)
    assert all(limits.per_second(("m",), 0) is None for _ in range(20))
    assert all(limits.per_minute(("m",), 1, 0) is None for _ in range(20))


def test_faults_happen_in_order_and_as_often_as_scripted() -> None:
    faults = Faults()
    faults.add(Fault(method="chat.update", kind="status", times=2))
    faults.add(Fault(method="chat.update", kind="reset"))
    kinds = [fault and fault.kind for fault in (faults.take("chat.update") for _ in range(4))]
    assert kinds == ["status", "status", "reset", None]
    assert faults.take("chat.postMessage") is None


def test_a_scripted_error_and_a_scripted_429_are_answered(slack: Slack, client: WebClient) -> None:
    slack.fault(Fault(method="auth.test", kind="error", error="account_inactive"))
    slack.fault(Fault(method="auth.test", kind="ratelimited", retry_after=7))
    with pytest.raises(SlackApiError, match="account_inactive"):
        client.auth_test()
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert caught.value.response.headers["Retry-After"] == "7"
    assert client.auth_test()["ok"]
    assert [call["fault"] for call in slack.calls()] == ["error before", "ratelimited before", None]


def test_a_post_that_was_carried_out_and_answered_with_500_is_there(
    slack: Slack, client: WebClient
) -> None:
    slack.fault(Fault(method="chat.postMessage", kind="status", status=503, when="after"))
    with pytest.raises(SlackApiError):
        client.chat_postMessage(channel="C0OPS", text="x")
    assert len(slack.messages("ops")) == 1


@pytest.mark.parametrize(("when", "posts"), [("before", 1), ("after", 2)])
def test_the_sdk_repeats_a_post_whose_connection_was_reset(
    slack: Slack, client: WebClient, when: str, posts: int
) -> None:
    slack.fault(Fault.model_validate({"method": "chat.postMessage", "kind": "reset", "when": when}))
    client.chat_postMessage(channel="C0OPS", text="x")
    assert len(slack.messages("ops")) == posts
    assert [call["status"] for call in slack.calls("chat.postMessage")] == [None, 200]


def test_a_reset_reaches_a_client_that_repeats_nothing(slack: Slack) -> None:
    client = WebClient(token=web_client(slack).token, base_url=slack.api_url, retry_handlers=[])
    slack.fault(Fault(method="auth.test", kind="reset"))
    with pytest.raises(ConnectionError):
        client.auth_test()


def test_a_stalled_call_is_answered_late(slack: Slack, client: WebClient) -> None:
    impatient = WebClient(
        token=web_client(slack).token, base_url=slack.api_url, timeout=1, retry_handlers=[]
    )
    slack.fault(Fault(method="auth.test", kind="stall", seconds=5))
    with pytest.raises(TimeoutError):
        impatient.auth_test()
    slack.fault(Fault(method="chat.postMessage", kind="stall", seconds=0.2, when="after"))
    began = time.monotonic()
    client.chat_postMessage(channel="C0OPS", text="x")
    assert time.monotonic() - began >= 0.2


def test_faults_that_did_not_happen_can_be_forgotten(slack: Slack, client: WebClient) -> None:
    slack.fault(Fault(method="auth.test", kind="status", times=100))
    slack.clear_faults()
    assert client.auth_test()["ok"]


def test_time_goes_forward_only(clock: Clock) -> None:
    clock.advance(5)
    assert clock.now() == 1_800_000_005.0
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
