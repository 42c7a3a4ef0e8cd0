"""`/operations/{id}/events`: an operation as it changes, as server-sent events.

The format is that of https://html.spec.whatwg.org/multipage/server-sent-events.html: whoever comes
back says with `Last-Event-ID` what it has seen, and an answer of 204 tells it not to come again.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.api.callers import At, By, Caller, Parts
from bot.api.feed import Shown, Watcher, shown_of
from bot.api.operations import seen
from bot.api.problems import problems
from bot.api.shapes import OperationId

__all__ = ["router"]

router = APIRouter(tags=["operations"])

_ALIVE = 15.0  # seconds of silence after which a comment shows that the stream is still there
_AGAIN = 1000  # ms after which a client whose stream was cut comes back
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would hold events back


# The fields of one event, as OpenAPI 3.2 means them; 3.1 says nothing of streams.
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "event": {"enum": ["operation", "ended"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/OperationView"},
        },
    },
    "required": ["id", "event", "data"],
}


class _EventStream(Response):
    """Sends what is new of an operation until it ends or the client leaves."""

    media_type = "text/event-stream"

    def __init__(self, caller: Caller, parts: Parts, operation: str, last: str) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._caller = caller
        self._parts = parts
        self._operation = operation
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with (
            self._parts.streams.one(self._caller.token, self._parts.limits.streams),
            self._parts.feed.watching(self._operation) as watcher,
        ):
            # Watched before it is read: what changes in between is offered.
            view = await run_in_threadpool(seen, self._operation, self._caller)
            first = shown_of(view)
            if first.ended and first.id == self._last:
                await Response(status_code=204)(scope, receive, send)
                return
            watcher.offer(first)
            await self._stream(watcher, receive, send)

    async def _stream(self, watcher: Watcher, receive: Receive, send: Send) -> None:
        start = {"status": 200, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        leaving = asyncio.create_task(_left(receive))
        sending = asyncio.create_task(self._send_all(watcher, send))
        try:
            await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, sending):
                task.cancel()
            await asyncio.gather(leaving, sending, return_exceptions=True)

    async def _send_all(self, watcher: Watcher, send: Send) -> None:
        await _write(send, f"retry: {_AGAIN}\n\n")
        while True:
            try:
                async with asyncio.timeout(_ALIVE):
                    await watcher.came.wait()
            except TimeoutError:
                await _write(send, ": still here\n\n")
                continue
            watcher.came.clear()
            shown = watcher.latest
            if shown is not None and shown.id != self._last:
                self._last = shown.id
                await _write(send, _event(shown))
            if watcher.over or (shown is not None and shown.ended):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(shown: Shown) -> str:
    kind = "ended" if shown.ended else "operation"
    return f"id: {shown.id}\nevent: {kind}\ndata: {shown.data}\n\n"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/operations/{id}/events",
    summary="Watch an operation",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: `operation`, and at its end `ended`. The data of "
            "each is the whole operation, as GET /operations/{id} returns it.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        },
        204: {"description": "It has ended, and the last event was seen: do not come again."},
        **problems("not_allowed", "unknown"),
    },
)
async def events(
    id: OperationId,
    caller: By,
    parts: At,
    last_event_id: Annotated[
        str, Header(max_length=100, description="The id of the last event that was seen.")
    ] = "",
) -> Response:
    """Tell an operation whenever it changes, until it has ended."""
    return _EventStream(caller, parts, id, last_event_id)
