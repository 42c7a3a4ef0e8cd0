"""How much one caller may ask of the API: sizes, times, rates and connections, as values."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.api.problems import ProblemError, problem_of

__all__ = ["Limits", "Rates", "Streams"]

_REMEMBERED = 10_000  # callers whose buckets are kept; the one that was idle longest goes first


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds, rates a second.

    `rate` and `burst` are for each token, and for each address without one; they count in each
    copy of the bot. `streams` is for each token: event streams that are open at once.
    """

    body: int = 64 * 1024
    headers: int = 16 * 1024
    headers_within: float = 5.0
    body_within: float = 10.0
    write_within: float = 20.0
    rate: float = 20.0
    burst: float = 100.0
    unknown_rate: float = 2.0
    unknown_burst: float = 20.0
    streams: int = 100
    connections: int = 1000


class Rates:
    """Token buckets by name; safe to share between threads. `clock` is in seconds."""

    def __init__(
        self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Count one request of somebody's; raise :class:`ProblemError` (429) for one too many."""
        with self._lock:
            now = self._clock()
            tokens, at = self._buckets.pop(name, (self._burst, now))
            tokens = min(self._burst, tokens + (now - at) * self._rate)
            enough = tokens >= 1
            self._buckets[name] = (tokens - 1 if enough else tokens, now)
            while len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        if not enough:
            seconds = max(1, round((1 - tokens) / self._rate + 0.5))
            said = f"Too many requests: {self._rate:g} a second are taken. Nothing changed."
            raise ProblemError(problem_of("too_many_requests", said), {"Retry-After": str(seconds)})


class Streams:
    """Counts the open streams of each token, and lets none have too many."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, token: str, most: int) -> Iterator[None]:
        """Hold a place while entered; raise :class:`ProblemError` (429) where none is left."""
        with self._lock:
            if self._open[token] >= most:
                said = f"{most} event streams of this token are open already."
                raise ProblemError(problem_of("too_many_requests", said), {"Retry-After": "5"})
            self._open[token] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[token] -= 1
                if not self._open[token]:
                    del self._open[token]
