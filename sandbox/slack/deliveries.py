"""What Slack sends to an app, and how it went.

A delivery goes by signed HTTP or by Socket Mode, whichever the app is set to, and has three seconds
to be acknowledged. One that was acknowledged never comes again by itself; :meth:`Courier.again`
sends the very same once more, as a retry of the Events API or a doubled request on the way would.

Signatures: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict

from sandbox.slack.errors import PersonError
from sandbox.slack.socket_mode import NotConnectedError, SocketMode
from sandbox.slack.state import State
from sandbox.slack.workspace import App

__all__ = ["ACK_LIMIT_S", "Courier", "Delivery", "Forgery", "signature"]

ACK_LIMIT_S = 3.0
_AT_ONCE = 64
_STALE_S = 600  # beyond the five minutes that apps accept

Kind = Literal["slash_commands", "interactive", "events_api"]
Forgery = Literal["unsigned", "wrong_signature", "stale", "malformed_timestamp"]


class Delivery(BaseModel):
    """One delivery to an app, and what came back.

    ``status`` is the HTTP status (200 for an envelope that was acknowledged), None where no answer
    came in time; ``body`` what was answered, parsed if it is JSON; ``ms`` how long that took;
    ``failure`` why there was no good answer, as Slack words it; ``shown`` what the person then
    sees: an answer's text, a warning, or nothing.
    """

    model_config = ConfigDict(frozen=True)

    id: int
    app: str
    kind: Kind
    transport: Literal["http", "socket"]
    payload: dict[str, Any]
    status: int | None
    body: Any
    ms: float
    failure: str | None = None
    shown: str | None = None
    retry: int = 0

    @property
    def acknowledged(self) -> bool:
        """Whether Slack takes it as delivered."""
        return self.failure is None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a request, version 0."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def encode(kind: Kind, payload: dict[str, Any]) -> tuple[str, bytes]:
    """Return content type and body of a payload as Slack sends it by HTTP."""
    if kind == "events_api":
        return "application/json", json.dumps(payload).encode()
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def signed_headers(app: App, body: bytes, forgery: Forgery | None) -> dict[str, str]:
    """Return the headers that prove where a request comes from, or fail to in a given way."""
    timestamp = str(int(time.time()))
    if forgery == "unsigned":
        return {}
    if forgery == "stale":
        timestamp = str(int(time.time()) - _STALE_S)
    if forgery == "malformed_timestamp":
        timestamp = "yesterday"
    secret = "another secret" if forgery == "wrong_signature" else app.signing_secret
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(secret, timestamp, body),
    }


@dataclass(frozen=True)
class _Outcome:
    status: int | None
    body: Any
    failure: str | None
    ms: float | None = None


def _timed_post(url: str, headers: dict[str, str], body: bytes, limit_s: float) -> _Outcome:
    """Post, and time what the app takes rather than what this process takes to look at it."""
    began = time.perf_counter()
    outcome = _post(url, headers, body, limit_s)
    return replace(outcome, ms=(time.perf_counter() - began) * 1000)


def _post(url: str, headers: dict[str, str], body: bytes, limit_s: float) -> _Outcome:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=limit_s)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path or "/", body, headers)
        answer = connection.getresponse()
        raw = answer.read().decode("utf-8", "replace")
    except TimeoutError:
        return _Outcome(None, None, "operation_timeout")
    except (OSError, http.client.HTTPException) as error:
        return _Outcome(None, str(error), "dispatch_failed")
    finally:
        connection.close()
    parsed = _parsed(raw, answer.headers.get("content-type", ""))
    accepted = http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES
    return _Outcome(answer.status, parsed, None if accepted else "dispatch_failed")


def _parsed(raw: str, content_type: str) -> Any:
    if "json" not in content_type:
        return raw
    try:
        return json.loads(raw)
    except ValueError:
        return raw


class Courier:
    """Delivers to apps and remembers what it delivered."""

    def __init__(
        self,
        state: State,
        sockets: SocketMode,
        show: Callable[[Delivery], Delivery],
        limit_s: float,
    ) -> None:
        self._state = state
        self._sockets = sockets
        self._show = show
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="delivery")
        self.done: dict[int, Delivery] = {}

    def close(self) -> None:
        """Wait for deliveries under way."""
        self._threads.shutdown()

    async def deliver(
        self,
        app: App,
        kind: Kind,
        payload: dict[str, Any],
        *,
        forgery: Forgery | None = None,
        retry: int = 0,
    ) -> Delivery:
        """Send a payload and return what came of it; never raises for what the app does."""
        began = time.perf_counter()
        if app.socket_mode:
            if forgery is not None:
                raise PersonError("Socket Mode has no signatures that could be forged")
            outcome = await self._by_socket(app, kind, payload, retry)
        else:
            outcome = await self._by_http(app, kind, payload, forgery, retry)
        delivery = Delivery(
            id=self._state.next_number(),
            app=app.name,
            kind=kind,
            transport="socket" if app.socket_mode else "http",
            payload=payload,
            status=outcome.status,
            body=outcome.body,
            ms=(time.perf_counter() - began) * 1000 if outcome.ms is None else outcome.ms,
            failure=outcome.failure,
            retry=retry,
        )
        delivery = self._show(delivery)
        self.done[delivery.id] = delivery
        return delivery

    async def again(self, number: int) -> Delivery:
        """Send a former delivery once more, the same to the byte; raises PersonError."""
        former = self.done.get(number)
        if former is None:
            raise PersonError(f"there was no delivery {number}")
        app = self._state.app(former.app)
        return await self.deliver(app, former.kind, former.payload, retry=former.retry + 1)

    async def _by_http(
        self,
        app: App,
        kind: Kind,
        payload: dict[str, Any],
        forgery: Forgery | None,
        retry: int,
    ) -> _Outcome:
        asks = payload.get("type") == "block_suggestion"
        url = app.options_url if asks else app.request_url
        if url is None:
            lacking = "options load URL" if asks else "request URL"
            return _Outcome(None, f"the app has no {lacking}", "dispatch_failed")
        content_type, body = encode(kind, payload)
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **signed_headers(app, body, forgery),
        }
        if retry and kind == "events_api":
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        loop = asyncio.get_running_loop()
        sent = loop.run_in_executor(self._threads, _timed_post, url, headers, body, self._limit_s)
        try:
            # A thread's own limit is for each read; this one is for all of it.
            return await asyncio.wait_for(sent, self._limit_s)
        except TimeoutError:
            return _Outcome(None, None, "operation_timeout")

    async def _by_socket(
        self, app: App, kind: Kind, payload: dict[str, Any], retry: int
    ) -> _Outcome:
        try:
            async with asyncio.timeout(self._limit_s):
                answer = await self._sockets.send(app.id, kind, payload, retry)
        except TimeoutError:
            return _Outcome(None, None, "operation_timeout")
        except NotConnectedError as error:
            return _Outcome(None, str(error), "dispatch_failed")
        return _Outcome(200, answer, None)
