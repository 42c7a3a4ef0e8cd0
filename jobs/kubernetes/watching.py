"""Lists and watches that go on through time-outs, broken connections and expired versions.

What comes out is level-triggered: after anything that may have been missed there is a new list.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from jobs.kubernetes.connection import Cluster, Stream
from jobs.kubernetes.errors import Expired, KubernetesError, NotFound, Temporary

T = TypeVar("T")
log = structlog.get_logger(__name__)
PAGE = 500  # objects a page of a list
LISTS = 3  # tries at a list whose pages expire (410) before its end
SERVER_TIMEOUT = 300  # seconds until the server ends a watch; it goes on where it was
IDLE = 90.0  # seconds of silence until it counts as broken: bookmarks come about every minute
FIRST_WAIT, LONGEST_WAIT = 0.1, 1.5  # seconds between tries: an outage's end is seen within two
LONGEST_ASKED = 5.0  # seconds that the server may ask to be left alone
_GONE = 410


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """Everything there is at one moment: what is missing is gone."""

    items: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """An object was made or changed."""

    item: T


@dataclass(frozen=True, slots=True)
class Removed(Generic[T]):
    """An object was deleted, or left the selection; as it was last."""

    item: T


Event = Listed[T] | Changed[T] | Removed[T]


@dataclass(frozen=True)
class Collection(Generic[T]):
    """What is listed and watched: a path, a selection, and how an object is read."""

    path: str
    read: Callable[[Mapping[str, Any]], T]
    query: tuple[tuple[str, str], ...] = ()


def list_all(
    cluster: Cluster, what: Collection[T], *, keep: Callable[[T], bool] = lambda _: True
) -> tuple[tuple[T, ...], str]:
    """Return all objects that are to be kept, and the resourceVersion to watch from.

    They are read page by page, and of the others no page is kept.
    Raises what :meth:`Cluster.ask` raises; :class:`Temporary` if the pages expire again and again.
    """
    for _ in range(LISTS):
        items: list[T] = []
        try:
            for page in list_pages(cluster, what):
                items += filter(keep, page.items)
        except Expired:
            log.info("list_expired", path=what.path, items=len(items))
        else:
            return tuple(items), page.version
    raise Temporary(f"GET {what.path}: its pages expire faster than they can be read")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `version` is the moment of the cluster that all of them show."""

    items: tuple[T, ...]
    version: str


def list_pages(cluster: Cluster, what: Collection[T]) -> Iterator[Page[T]]:
    """Yield a list page by page, so that a reader who keeps none holds no more than one of them.

    Raises what :meth:`Cluster.ask` raises; :class:`Expired` where the list has become too old to
    go on: whatever was made of its pages so far has to be forgotten.
    """
    more = ""
    while True:
        query = {**dict(what.query), "limit": str(PAGE)}
        if more:
            query["continue"] = more
        body = cluster.ask("GET", what.path, query=query)
        more = body["metadata"].get("continue") or ""
        page = Page(
            tuple(what.read(raw) for raw in body.get("items") or ()),
            body["metadata"]["resourceVersion"],
        )
        del body  # while the reader has the page, nobody needs what it was made of
        yield page
        if not more:
            return


class Watch(Generic[T]):
    """A watch that goes on until it is stopped. Iterate over it in one thread; any may stop it."""

    def __init__(
        self, cluster: Cluster, what: Collection[T], *, version: str = "", limit: float = 0
    ) -> None:
        self._cluster = cluster
        self._what = what
        self._version = version
        self._limit = limit
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._current = False
        self._heard = time.monotonic()
        self._trouble = ""

    @property
    def current(self) -> bool:
        """Whether what came out of it is up to date: no error has cut it off from the server."""
        return self._current

    @property
    def silent(self) -> float:
        """For how many seconds nothing has been heard of the server, 0 while nothing is wrong."""
        return 0.0 if self._current else time.monotonic() - self._heard

    @property
    def trouble(self) -> str:
        """What the last try brought where it failed, or ""."""
        return self._trouble

    def stop(self) -> None:
        """End it at once, from any thread."""
        self._stop.set()
        with self._lock:
            if self._stream is not None:
                self._stream.interrupt()

    def __iter__(self) -> Iterator[Event[T]]:
        """Yield events; begins with a list unless a version was given.

        Raises what a person must mend (Forbidden, Unauthorized, Rejected); waits out the rest.
        """
        wait = FIRST_WAIT
        while not self._stop.is_set():
            began, asked = time.monotonic(), 0.0
            try:
                if not self._version:
                    items, self._version = list_all(self._cluster, self._what)
                    self._heard = time.monotonic()
                    yield Listed(items)
                for event in self._changes():
                    wait = FIRST_WAIT
                    yield event
            except (Expired, NotFound):
                self._version, self._current = "", False
            except Temporary as error:
                self._lost(error)
                log.info("watch_waits", path=self._what.path, error=str(error))
                asked = min(error.retry_after, LONGEST_ASKED)
            except KubernetesError as error:
                self._lost(error)
                if self._stop.is_set():
                    return
                raise
            # However it ended: a server that ends every watch at once must not be hammered.
            if time.monotonic() - began >= LONGEST_WAIT:
                wait = FIRST_WAIT
            self._stop.wait(max(wait, asked))
            wait = min(wait * 2, LONGEST_WAIT)

    def _lost(self, error: KubernetesError) -> None:
        """Note since when nothing is heard: a stream that broke was heard until then.

        Unless it had been silent for so long that it was given up.
        """
        if self._current and time.monotonic() - self._heard < IDLE:
            self._heard = time.monotonic()
        self._current, self._trouble = False, str(error)

    def _changes(self) -> Iterator[Event[T]]:
        query = {
            **dict(self._what.query),
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(SERVER_TIMEOUT),
        }
        stream = self._cluster.stream(self._what.path, query, idle=IDLE)
        with self._lock:
            self._stream = stream
        self._heard = time.monotonic()
        self._current, self._trouble = True, ""
        if self._stop.is_set():
            stream.close()
            return
        try:
            for raw in stream:
                self._heard = time.monotonic()
                event = self._event(raw)
                if event is not None:
                    yield event
        finally:
            with self._lock:
                self._stream = None

    def _event(self, raw: Mapping[str, Any]) -> Event[T] | None:
        kind, body = raw["type"], raw["object"]
        if kind == "ERROR":
            words = str(body.get("message", "the watch ended with an error"))
            if body.get("code") == _GONE:
                raise Expired(words)
            raise Temporary(words)
        self._version = body["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return None
        item = self._what.read(body)
        return Removed(item) if kind == "DELETED" else Changed(item)
