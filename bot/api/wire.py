"""Connections of the API: not too many, and none that sends nothing.

uvicorn gives a client as long as it likes to send a request's headers, and any number of them. A
connection that is one too many, or whose headers are late or too large, is told so and closed; one
whose client reads nothing of its answer is cut, and an event stream's client finds its place again.
"""

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.api.limits import Limits
from bot.api.problems import MEDIA_TYPE, Code, problem_of

__all__ = ["guarded"]


_LINGER = 1.0  # seconds in which a client that is refused may read why


def guarded(limits: Limits) -> Any:
    """Return the protocol that uvicorn makes one of for each connection."""
    return partial(_Guarded, limits)


class _Guarded(HttpToolsProtocol):
    """Knows, beside what uvicorn does, what is overdue: `_late` headers, an `_unread` answer."""

    def __init__(self, limits: Limits, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self.access_log = False  # an address may be a webhook, which is as good as a token
        self._refused = False
        self._head = 0  # bytes since the last request was read, while its headers are awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse("busy", "Too many connections are open. Try again later.")
            return
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._late is not None:
            self._head += len(data)
            most = self._limits.headers + self._limits.body  # a small body comes with them
            if self._head > most:
                self._refuse("headers_too_large", "The headers are too large.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._late is None:
            self._await_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if sum(len(n) + len(v) for n, v in self.headers) > self._limits.headers:
            self._refuse("headers_too_large", "The headers are too large.")

    def on_headers_complete(self) -> None:
        self._arrived()
        if not self._refused:
            super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self._limits.write_within, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse("malformed", msg)

    def _await_headers(self) -> None:
        self._head = 0
        self._late = self.loop.call_later(self._limits.headers_within, self._too_late)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _too_late(self) -> None:
        seconds = self._limits.headers_within
        self._refuse("too_slow", f"The headers did not arrive within {seconds:g} seconds.")

    def _refuse(self, code: Code, said: str) -> None:
        self._arrived()
        if self._refused:
            return
        self._refused = True
        problem = problem_of(code, said)
        body = problem.model_dump_json(exclude_defaults=True).encode()
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        # To close while the client still sends would take the answer away from it.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)
