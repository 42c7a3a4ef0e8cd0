import socket
import threading

import pytest
from redis import Redis

import sandbox.slack
from bot.app import Identity
from bot.startup import identify, ping, redis_away
from bot.waiting import NotYet, pauses, wait_for
from jobs.errors import ConfigError
from sandbox.slack import Fault
from tests.bot.listeners.listening import POLICY


class Stop(threading.Event):
    """Counts how long would have been waited, and waits for nothing."""

    def __init__(self, *, after: int = 1_000) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._after = after

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0)
        if len(self.waited) >= self._after:
            self.set()
        return self.is_set()


def failing(times: int, retry_after: float = 0) -> "list[NotYet]":
    return [NotYet("not there", retry_after) for _ in range(times)]


def test_it_is_tried_with_longer_and_longer_pauses_until_it_is_there() -> None:
    troubles, stop = failing(4), Stop()

    def attempt() -> str:
        if troubles:
            raise troubles.pop()
        return "there"

    assert wait_for("Redis", attempt, stop) == "there"
    assert stop.waited == [0.25, 0.5, 1.0, 1.5]


def test_pauses_stay_short_enough_to_be_there_within_two_seconds_of_an_outages_end() -> None:
    grown = pauses()
    assert [next(grown) for _ in range(8)][-2:] == [1.5, 1.5]


def test_what_slack_asks_for_is_waited() -> None:
    troubles, stop = failing(1, retry_after=17), Stop()

    def attempt() -> str:
        if troubles:
            raise troubles.pop()
        return "there"

    wait_for("Slack", attempt, stop)
    assert stop.waited == [17]


def test_waiting_ends_when_the_process_is_to_stop() -> None:
    def attempt() -> str:
        raise NotYet("not there")

    assert wait_for("Redis", attempt, Stop(after=3)) is None


def test_other_errors_are_not_waited_out() -> None:
    def attempt() -> str:
        raise ConfigError("wrong")

    with pytest.raises(ConfigError):
        wait_for("Slack", attempt, Stop())


def test_redis_is_there_or_said_to_be_away(redis: Redis) -> None:
    assert ping(redis)
    nowhere = Redis.from_url("redis://127.0.0.1:1/0", socket_timeout=0.1)
    assert "can't be reached" in redis_away(nowhere)
    with pytest.raises(NotYet):
        ping(nowhere)
    nowhere.close()


def test_slack_says_whose_token_it_is() -> None:
    with sandbox.slack.running(sandbox.slack.demo_workspace()) as slack:
        token = slack.workspace().apps[0].bot_token
        found = identify(token, slack.api_url, None)
        assert found == Identity(
            "T0SANDBOX", "U0DRAINBOT", "B0DRAINBOT", "https://sandbox.slack.com/"
        )
        with pytest.raises(ConfigError, match="invalid_auth"):
            identify("xoxb-wrong", slack.api_url, None)
        with pytest.raises(ConfigError, match="the policy is for T01DEMO"):
            identify(token, slack.api_url, POLICY)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="auth.test", kind="status", status=503),
        Fault(method="auth.test", kind="error", error="internal_error"),
        Fault(method="auth.test", kind="reset"),
    ],
)
def test_passing_trouble_of_slacks_is_no_mistake_of_ours(fault: Fault) -> None:
    with sandbox.slack.running(sandbox.slack.demo_workspace()) as slack:
        slack.fault(fault)
        with pytest.raises(NotYet):
            identify(slack.workspace().apps[0].bot_token, slack.api_url, None)


def test_a_rate_limit_says_how_long_to_wait() -> None:
    with sandbox.slack.running(sandbox.slack.demo_workspace()) as slack:
        slack.fault(Fault(method="auth.test", kind="ratelimited", retry_after=23))
        with pytest.raises(NotYet) as limited:
            identify(slack.workspace().apps[0].bot_token, slack.api_url, None)
        assert limited.value.retry_after == 23


def test_nobody_at_slacks_address_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotYet):
        identify("xoxb-1", f"http://127.0.0.1:{port}/api/", None)
