"""Sends to Slack's Web API, one call at a time, and tells exactly what is known of each.

What a call comes to is a value, never an exception:

Outcome
├── Sent          Slack took it
├── RateLimited   429: not carried out; again after `retry_after` seconds
├── Away          certainly not carried out, and likely to work later (nobody listens there)
├── Unknown       it may have been carried out (cut connection, time-out, 5xx)
└── Failed        Slack refused it, and would refuse it again

The SDK's own retries are off: a post that was cut off may have happened, and a second one would
show twice. Error codes: https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

import http.client
import socket
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.messages.message import METADATA_EVENT, BlockDict
from bot.metrics import SLACK_RATE_LIMITED

__all__ = [
    "Away",
    "Failed",
    "Found",
    "Outcome",
    "RateLimited",
    "Sent",
    "SlackApi",
    "Trouble",
    "Unknown",
]

_PAGE = 200
_PAGES = 5  # a thread of a thousand messages is searched; no operation writes more
_RETRY_AFTER = 30.0  # s, where a 429 doesn't say
# Slack: "the server could not complete your operation; some aspect of it may have succeeded".
_MAY_HAVE_HAPPENED = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
)


@dataclass(frozen=True)
class Sent:
    """Slack took it; `ts` names the message within its channel."""

    channel: str = ""
    ts: str = ""
    link: str = ""


@dataclass(frozen=True)
class RateLimited:
    """Not carried out: too many calls. `retry_after` is in seconds."""

    retry_after: float


@dataclass(frozen=True)
class Away:
    """Certainly not carried out: Slack can't be reached."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """Nobody knows whether it was carried out."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """Refused by Slack, with its error code."""

    error: str


Trouble = RateLimited | Away | Unknown | Failed
Outcome = Sent | Trouble


@dataclass(frozen=True)
class Found:
    """The messages with the metadata that was looked for, the oldest first."""

    ts: tuple[str, ...]


class SlackApi:
    """The calls of one bot token. `timeout` is for each call, in seconds."""

    def __init__(
        self, token: str, *, base_url: str = WebClient.BASE_URL, timeout: float = 8
    ) -> None:
        self._client = WebClient(
            token=token,
            base_url=base_url,
            timeout=timeout,  # type: ignore[arg-type]  # urllib takes a float as well
            retry_handlers=[],
        )
        # The SDK minds HTTP_PROXY and not NO_PROXY; without its own proxy urllib minds both.
        if urllib.request.proxy_bypass(urlsplit(base_url).hostname or ""):
            self._client.proxy = None

    def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[BlockDict],
        *,
        thread_ts: str = "",
        broadcast: bool = False,
        payload: Mapping[str, str],
    ) -> Outcome:
        """Post a message that carries `payload` as its metadata, by which it can be found again."""
        return _carry_out(
            lambda: (
                self._client.chat_postMessage(
                    channel=channel,
                    text=text,
                    blocks=list(blocks),
                    thread_ts=thread_ts or None,
                    reply_broadcast=True if broadcast and thread_ts else None,
                    metadata=_metadata(payload),
                    unfurl_links=False,
                    unfurl_media=False,
                ).data
            )
        )

    def update(
        self,
        channel: str,
        ts: str,
        text: str,
        blocks: Sequence[BlockDict],
        *,
        payload: Mapping[str, str],
    ) -> Outcome:
        """Replace what a message says. Doing it twice does no harm."""
        return _carry_out(
            lambda: (
                self._client.chat_update(
                    channel=channel,
                    ts=ts,
                    text=text,
                    blocks=list(blocks),
                    metadata=_metadata(payload),
                ).data
            )
        )

    def ephemeral(self, channel: str, user: str, text: str, *, thread_ts: str = "") -> Outcome:
        """Show words to one person."""
        return _carry_out(
            lambda: (
                self._client.chat_postEphemeral(
                    channel=channel, user=user, text=text, thread_ts=thread_ts or None
                ).data
            )
        )

    def say(self, channel: str, text: str, *, thread_ts: str = "") -> Outcome:
        """Post words that are never changed and need no finding again."""
        return _carry_out(
            lambda: (
                self._client.chat_postMessage(
                    channel=channel,
                    text=text,
                    thread_ts=thread_ts or None,
                    unfurl_links=False,
                    unfurl_media=False,
                ).data
            )
        )

    def publish(self, user: str, view: BlockDict) -> Outcome:
        """Set somebody's home tab. Doing it twice does no harm."""
        return _carry_out(lambda: self._client.views_publish(user_id=user, view=view).data)

    def delete(self, channel: str, ts: str) -> Outcome:
        """Delete a message of our own."""
        return _carry_out(lambda: self._client.chat_delete(channel=channel, ts=ts).data)

    def permalink(self, channel: str, ts: str) -> Outcome:
        """Ask for the address of a message (`link` of the answer)."""
        return _carry_out(
            lambda: self._client.chat_getPermalink(channel=channel, message_ts=ts).data
        )

    def find(
        self, channel: str, payload: Mapping[str, str], *, thread_ts: str = "", oldest: str
    ) -> Found | Trouble:
        """Look for messages that carry `payload`, in a thread or in the channel, since `oldest`."""
        found: list[str] = []
        cursor = ""
        for _ in range(_PAGES):
            answer = _answer(partial(self._page, channel, thread_ts, oldest, cursor))
            if not isinstance(answer, dict):
                return answer
            found += [
                str(message["ts"])
                for message in answer.get("messages", [])
                if _carries(message, payload)
            ]
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return Found(tuple(sorted(found, key=_order)))

    def _page(self, channel: str, thread_ts: str, oldest: str, cursor: str) -> Any:
        options: dict[str, Any] = {"limit": _PAGE, "oldest": oldest, "include_all_metadata": True}
        if cursor:
            options["cursor"] = cursor
        if thread_ts:
            return self._client.conversations_replies(channel=channel, ts=thread_ts, **options).data
        return self._client.conversations_history(channel=channel, **options).data


def _metadata(payload: Mapping[str, str]) -> dict[str, Any]:
    return {"event_type": METADATA_EVENT, "event_payload": dict(payload)}


def _carries(message: Mapping[str, Any], payload: Mapping[str, str]) -> bool:
    metadata = message.get("metadata") or {}
    carried = metadata.get("event_payload") or {}
    return metadata.get("event_type") == METADATA_EVENT and all(
        carried.get(name) == value for name, value in payload.items()
    )


def _order(ts: str) -> tuple[int, int]:
    seconds, _, micros = ts.partition(".")
    return int(seconds), int(micros or 0)


def _carry_out(call: Callable[[], Any]) -> Outcome:
    answer = _answer(call)
    if not isinstance(answer, dict):
        return answer
    return Sent(
        channel=str(answer.get("channel", "")),
        ts=str(answer.get("ts") or answer.get("message_ts") or ""),
        link=str(answer.get("permalink", "")),
    )


def _answer(call: Callable[[], Any]) -> dict[str, Any] | Trouble:
    try:
        data = call()
    except SlackApiError as error:
        return _refusal(error)
    except URLError as error:
        return _unreachable(error)
    except (OSError, http.client.HTTPException, SlackClientError, ValueError) as error:
        return Unknown(f"{type(error).__name__}: {error}"[:200])
    return data if isinstance(data, dict) else Unknown("an answer that is not JSON")


def _refusal(error: SlackApiError) -> Trouble:
    response = error.response
    body = response.data if isinstance(response.data, dict) else {}
    code = str(body.get("error", ""))
    headers = {name.lower(): value for name, value in dict(response.headers or {}).items()}
    if response.status_code == 429 or code == "ratelimited":  # noqa: PLR2004  Too Many Requests
        SLACK_RATE_LIMITED.inc()
        return RateLimited(_seconds(headers.get("retry-after", "")))
    if response.status_code != 200 or code in _MAY_HAVE_HAPPENED or not code:  # noqa: PLR2004  OK
        return Unknown(f"HTTP {response.status_code} {code}"[:200].strip())
    return Failed(code)


def _seconds(header: str) -> float:
    return float(header) if header.isascii() and header.isdecimal() else _RETRY_AFTER


def _unreachable(error: URLError) -> Away | Unknown:
    # Only these are surely before the request: a time-out here may come from sending its body.
    if isinstance(error.reason, ConnectionRefusedError | socket.gaierror):
        return Away(str(error.reason)[:200])
    return Unknown(f"{error.reason}"[:200])
