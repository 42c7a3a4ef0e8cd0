"""The first that a request meets: it arrives whole, in time and in size, or not at all.

A body is read before anything is done with it, so that no slow client holds a thread or a
connection to Redis, and nothing is done for one that never arrives.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api.limits import Limits
from bot.api.problems import Problem, answered, problem_of

__all__ = ["THREADS", "Door"]

THREADS = 4
"""How many requests are worked on at once: few, so that they leave the interpreter to others."""

_LINGER = 1.0  # seconds
_PASSED = 4 * 1024 * 1024  # bytes

Seen = Callable[[str, int, float], None]
"""Told of each answer: the method, the status and the seconds that it took."""

_CLOSED = 499  # no status of HTTP's: the client went away before it was answered


class Door:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, limits: Limits, seen: Seen) -> None:
        self._app = app
        self._limits = limits
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] != "http":
            return
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        began, status = time.monotonic(), _CLOSED

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._seen(scope["method"], status, time.monotonic() - began)
            await send(message)

        body = await self._arrived(scope, receive)
        if isinstance(body, Problem):
            # To close while the client still sends would take the answer away from it.
            await _sent(receive)
            await answered(body, {"Connection": "close"})(scope, receive, noting)
        elif body is not None:
            await self._app(scope, _again(body, receive), noting)

    async def _arrived(self, scope: Scope, receive: Receive) -> bytes | Problem | None:
        """Return the whole body; a problem where it is refused; None where the client left."""
        limits = self._limits
        too_large = problem_of("too_large", f"A request has at most {limits.body} bytes.")
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limits.body:
            return too_large
        try:
            async with asyncio.timeout(limits.body_within):
                kept = bytearray()
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    kept += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(kept) > limits.body:
                        return too_large
                return bytes(kept)
        except TimeoutError:
            said = f"The body did not arrive within {limits.body_within:g} seconds."
            return problem_of("too_slow", f"{said} Nothing changed.")


async def _sent(receive: Receive) -> None:
    """Let the rest of a body pass by, as far as it comes soon and is not without end."""
    passed, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while more and passed < _PASSED:
                message = await receive()
                passed += len(message.get("body", b""))
                more = message.get("more_body", False)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that was read, and then what comes after it."""
    given = False

    async def once_more() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more
