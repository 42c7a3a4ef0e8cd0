"""What changes in operations, for those who watch: one thread reads Redis, all streams share it.

An event carries the whole operation, so that nothing is missed by whoever reads only the last one,
and a slow reader skips to it. Its id is made of what it says: a reader that comes back, to any copy
of the bot, is told something only if that is new to it.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from jobs.client import Client
from jobs.errors import StateUnavailable
from jobs.models import OperationState, OperationView

__all__ = ["Feed", "Shown", "Watcher", "shown_of"]

log = structlog.get_logger(__name__)

_WAIT = 0.25  # seconds that one look for changes blocks
_BREATH = 0.05  # seconds between two looks: what comes in between is told at once
_AWAY = 1.0  # seconds between two tries while Redis is away


@dataclass(frozen=True)
class Shown:
    """An operation as an event tells it."""

    id: str
    data: str
    version: int
    ended: bool


def shown_of(view: OperationView) -> Shown:
    """Return how an operation is told."""
    data = view.model_dump_json()
    digest = hashlib.sha256(data.encode()).hexdigest()[:16]
    ended = view.state is OperationState.ENDED
    return Shown(f"{view.version}-{digest}", data, view.version, ended)


@dataclass(eq=False)
class Watcher:
    """One stream: the latest that it was offered. It belongs to the event loop that made it."""

    latest: Shown | None = None
    over: bool = False  # nothing comes any more, because this copy of the bot stops
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, shown: Shown) -> None:
        """Keep what is newer than what is kept; an older look may come late."""
        if self.latest is None or shown.version >= self.latest.version:
            self.latest = shown
            self.came.set()


class Feed:
    """See the module. `progress`: seconds between two looks at what runs, which makes no event.

    `tick` does one look, blocking at most `wait` seconds; `run` looks until it is stopped.
    """

    def __init__(
        self,
        client: Client,
        *,
        progress: float = 1.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._progress = progress
        self._clock = clock
        self._cursors = dict.fromkeys(client.clusters(), "$")
        self._watchers: dict[str, set[Watcher]] = {}
        self._running: set[str] = set()  # those that are watched, and whose progress is looked at
        self._looked = float("-inf")
        self._all = True  # to be looked at: something may have changed unseen
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    @contextmanager
    def watching(self, operation: str) -> Iterator[Watcher]:
        """Have an operation's changes offered while entered; to be used in the event loop."""
        watcher = Watcher()
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._watchers.setdefault(operation, set()).add(watcher)
            self._running.add(operation)
        try:
            yield watcher
        finally:
            with self._lock:
                watchers = self._watchers[operation]
                watchers.discard(watcher)
                if not watchers:
                    del self._watchers[operation]
                    self._running.discard(operation)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        with self._lock:
            return sum(map(len, self._watchers.values()))

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set, also after Redis was away."""
        away = False
        while not stop.is_set():
            try:
                self.tick(wait=_WAIT)
                if away:
                    log.info("feed_goes_on")
                away = False
                stop.wait(_BREATH)
            except StateUnavailable as error:
                if not away:
                    log.warning("feed_waits_for_redis", error=str(error))
                away = self._all = True
                stop.wait(_AWAY)

    def close(self) -> None:
        """End all streams: their clients find another copy of the bot."""
        with self._lock:
            watchers, loop = [w for each in self._watchers.values() for w in each], self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(_end, watchers)

    def tick(self, *, wait: float) -> None:
        """Look once. Raises :class:`StateUnavailable`; what it then missed is looked at later."""
        changed = self._changed(wait)
        now = self._clock()
        with self._lock:
            if self._all:
                changed = set(self._watchers)
            if now - self._looked >= self._progress:
                self._looked = now
                changed |= self._running
            changed &= self._watchers.keys()
        for operation in changed:
            self._tell(operation)
        self._all = False

    def _changed(self, wait: float) -> set[str]:
        changed: set[str] = set()
        for change in self._client.changes(self._cursors, wait=wait):
            # Where the stream began anew its old cursor would be behind for good.
            anew = change.lost and not change.operations
            self._all = self._all or change.lost or self._cursors[change.cluster] == "$"
            self._cursors[change.cluster] = "$" if anew else change.cursor
            changed |= change.operations
        return changed

    def _tell(self, operation: str) -> None:
        view = self._client.operation(operation)
        if view is None:
            return
        shown = shown_of(view)
        with self._lock:
            watchers, loop = tuple(self._watchers.get(operation, ())), self._loop
            if view.state is not OperationState.RUNNING:
                self._running.discard(operation)
            elif watchers:
                self._running.add(operation)
        if watchers and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(_offer, watchers, shown)


def _end(watchers: Iterable[Watcher]) -> None:
    for watcher in watchers:
        watcher.over = True
        watcher.came.set()


def _offer(watchers: Iterable[Watcher], shown: Shown) -> None:
    for watcher in watchers:
        watcher.offer(shown)
