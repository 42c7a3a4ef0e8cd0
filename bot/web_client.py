"""Slack's Web API for what is not sending: who we are, who is in a group, opening a modal.

Each client has its time-out and no retries of its own: whoever calls knows how long it may take
and what a second try would mean.
"""

import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError

from bot.metrics import SLACK_RATE_LIMITED

__all__ = ["SlackAway", "SlackRefused", "asked", "past_proxy", "web_client", "webhook"]

_RETRY_AFTER = 30.0  # seconds, where a 429 doesn't say
_TOO_MANY = 429
_SERVER_ERROR = 500
# Slack's own passing troubles: https://docs.slack.dev/reference/methods/auth.test#errors
_PASSING = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)

_T = TypeVar("_T")


class SlackAway(Exception):  # noqa: N818  it names a state of the world
    """Slack did not answer, or wants to be left alone for `retry_after` seconds."""

    def __init__(self, why: str, retry_after: float = 0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class SlackRefused(Exception):  # noqa: N818  it names what Slack did
    """Slack answered no, and would again; `code` is its word for why, such as `invalid_auth`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def web_client(token: str, api_url: str, *, timeout: int) -> WebClient:
    """Return a client; `timeout` is for each call, in seconds. Safe to use from several threads."""
    client = WebClient(token, base_url=api_url, timeout=timeout, retry_handlers=[])
    if past_proxy(api_url):
        client.proxy = None
    return client


def webhook(url: str, *, timeout: int) -> WebhookClient:
    """Return a client for one response_url; `timeout` in seconds."""
    client = WebhookClient(url, timeout=timeout, retry_handlers=[])
    if past_proxy(url):
        client.proxy = None
    return client


def past_proxy(url: str) -> bool:
    """Whether NO_PROXY names the host: the SDK minds HTTP_PROXY alone."""
    return bool(urllib.request.proxy_bypass(urlsplit(url).hostname or ""))


def asked(call: Callable[[], _T]) -> _T:
    """Return what a call of the client returns.

    Raises :class:`SlackAway` if it may work later, :class:`SlackRefused` if it won't.
    """
    try:
        return call()
    except SlackApiError as error:
        raise _translated(error) from error
    # urllib's errors and broken connections are OSErrors, a broken answer is a ValueError.
    except (OSError, ValueError) as error:
        raise SlackAway(f"Slack can't be reached ({type(error).__name__})") from error


def _translated(error: SlackApiError) -> SlackAway | SlackRefused:
    response: Any = error.response
    status = int(response.status_code)
    code = str(response.get("error") or f"HTTP {status}")
    if status == _TOO_MANY or code == "ratelimited":
        SLACK_RATE_LIMITED.inc()
        header = str({k.lower(): v for k, v in response.headers.items()}.get("retry-after", ""))
        return SlackAway("ratelimited", float(header) if header.isdecimal() else _RETRY_AFTER)
    if status >= _SERVER_ERROR or code in _PASSING:
        return SlackAway(code)
    return SlackRefused(code)
