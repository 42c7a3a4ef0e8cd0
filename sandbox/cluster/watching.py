"""Watches: each change of a resource, encoded once, told to everybody who selects it.

An object that leaves a selection is told as DELETED with its last body inside it, one that enters
as ADDED, as the watch cache of k8s.io/apiserver does (cache_watcher.go).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Literal

from sandbox.cluster.errors import ApiError, expired
from sandbox.cluster.kinds import kind_of
from sandbox.cluster.listing import kind_prefix, present_version
from sandbox.cluster.objects import Item, Json, encode, with_metadata
from sandbox.cluster.resources import Resource
from sandbox.cluster.selecting import Selection
from sandbox.cluster.store import Change, Collection, Store
from sandbox.cluster.tables import table_of, wants_table
from sandbox.cluster.web import Request

__all__ = ["Hub", "Watch"]

EventKind = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
Writer = Callable[[EventKind, Item], bytes]

_MAX_WAITING = 50_000
"""Lines a slow reader may be behind; then its watch ends, and it has to list again."""
_SHORTEST_S = 1800.0  # the server's default: between half an hour and an hour


class _Told:
    """One change as lines, each written when the first watch wants it."""

    __slots__ = ("_lines", "change")

    def __init__(self, change: Change) -> None:
        self.change = change
        self._lines: dict[tuple[Writer, EventKind, bool], bytes] = {}

    def line(self, write: Writer, kind: EventKind, *, left: bool = False) -> bytes:
        """Return the line of that kind; ``left``: with the body from before the change."""
        name = (write, kind, left)
        line = self._lines.get(name)
        if line is None:
            item = self.change.item
            if left and self.change.previous:
                body = self.change.previous.body
                item = Item(with_metadata(body, resourceVersion=str(item.revision)), item.revision)
            line = write(kind, item)
            self._lines[name] = line
        return line


def _event(kind: EventKind, value: Json) -> bytes:
    return encode({"type": kind, "object": value}) + b"\n"


class Watch:
    """One client's watch. It is told of changes, and gives the lines that have gathered."""

    def __init__(self, chosen: Selection, write: Writer) -> None:
        self._chosen = chosen
        self._write = write
        self._lines: list[bytes] = []
        self._woken: asyncio.Future[None] | None = None
        self._ended = False

    def tell(self, told: _Told) -> None:
        """Note a change, if it concerns what is selected."""
        change = told.change
        matches = self._chosen.matches(change.item)
        before = change.previous is not None and self._chosen.matches(change.previous)
        if change.kind == "DELETED":
            if before:
                self.put(told.line(self._write, "DELETED"))
        elif matches:
            self.put(told.line(self._write, "MODIFIED" if before else "ADDED"))
        elif before:
            self.put(told.line(self._write, "DELETED", left=True))

    def add(self, item: Item) -> None:
        """Note an object that is there already."""
        self.put(self._write("ADDED", item))

    def put(self, line: bytes) -> None:
        """Note a line as it is."""
        self._lines.append(line)
        if len(self._lines) > _MAX_WAITING:
            self.end()
        self._wake()

    def end(self) -> None:
        """Let it end once its lines are given."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._woken and not self._woken.done():
            self._woken.set_result(None)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give what has gathered, again and again, until it ends."""
        while True:
            if self._lines:
                lines, self._lines = self._lines, []
                yield b"".join(lines)
            elif self._ended:
                return
            else:
                self._woken = asyncio.get_running_loop().create_future()
                await self._woken


class Hub:
    """The watches of one resource."""

    def __init__(self, store: Store, resource: Resource, *, bookmark_s: float) -> None:
        self._store = store
        self._resource = resource
        self._bookmark_s = bookmark_s
        self._prefix = kind_prefix(resource)
        self._watches: set[Watch] = set()
        self._collection: Collection = store[resource]
        self._collection.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        if self._watches:
            told = _Told(change)
            for watch in tuple(self._watches):
                watch.tell(told)

    def end_all(self) -> None:
        """End all watches, in order."""
        for watch in tuple(self._watches):
            watch.end()

    def __len__(self) -> int:
        return len(self._watches)

    def open(self, chosen: Selection, request: Request) -> AsyncIterator[bytes]:
        """Open a watch as asked, and return its chunks. Raises ApiError 400, 422 or 504."""
        initial = request.flag("sendInitialEvents")
        if initial and request.query.get("resourceVersionMatch") != "NotOlderThan":
            raise ApiError(
                422,
                "Invalid",
                'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
        version = present_version(self._store, request.query.get("resourceVersion", ""))
        # How long is left to the server. Chance spreads the ends of watches, and is no secret.
        timeout_s = request.number("timeoutSeconds") or random.uniform(1, 2) * _SHORTEST_S  # noqa: S311
        return self._run(
            Watch(chosen, self._as_row if wants_table(request) else self._as_object),
            chosen,
            None if initial else version,
            timeout_s,
            bookmarks=request.flag("allowWatchBookmarks"),
            initial=initial,
        )

    async def _run(
        self,
        watch: Watch,
        chosen: Selection,
        version: int | None,
        timeout_s: float,
        *,
        bookmarks: bool,
        initial: bool,
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        timers = {"end": loop.call_later(timeout_s, watch.end)}

        def mark() -> None:
            watch.put(self._bookmark())
            timers["bookmark"] = loop.call_later(self._bookmark_s, mark)

        if bookmarks:
            timers["bookmark"] = loop.call_later(self._bookmark_s, mark)
        # Nothing waits from here to the first chunk, so no change falls in between.
        self._catch_up(watch, chosen, version)
        if initial and bookmarks:
            watch.put(self._bookmark({"k8s.io/initial-events-end": "true"}))
        self._watches.add(watch)
        try:
            async for chunk in watch.chunks():
                yield chunk
        finally:
            self._watches.discard(watch)
            for timer in timers.values():
                timer.cancel()

    def _catch_up(self, watch: Watch, chosen: Selection, version: int | None) -> None:
        """Tell a new watch what is there, or what happened since the version that it names."""
        forgotten = self._collection.forgotten
        if not version:
            for item in self._collection.select(chosen):
                watch.add(item)
        elif version < forgotten:
            gone = expired(f"too old resource version: {version} ({forgotten})")
            watch.put(_event("ERROR", gone.status()))
            watch.end()
        else:
            for change in self._collection.history:
                if change.revision > version:
                    watch.tell(_Told(change))

    def _as_object(self, kind: EventKind, item: Item) -> bytes:
        encoded = item.encoded()[1:]
        return b'{"type":"%b","object":%b%b}\n' % (kind.encode(), self._prefix, encoded)

    def _as_row(self, kind: EventKind, item: Item) -> bytes:
        """Write the event for `kubectl get --watch`: a table of one row."""
        version = {"resourceVersion": item.metadata["resourceVersion"]}
        return _event(kind, table_of(self._resource, [item], self._store, version))

    def _bookmark(self, annotations: Json | None = None) -> bytes:
        metadata: Json = {"resourceVersion": str(self._store.revision)}
        if annotations:
            metadata["annotations"] = annotations
        value = {
            "kind": self._resource.kind,
            "apiVersion": self._resource.api_version,
            "metadata": metadata,
            **kind_of(self._resource).empty,
        }
        return _event("BOOKMARK", value)
