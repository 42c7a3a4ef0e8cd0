"""Counts what the calls of this process to the API server came to, second by second."""

import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic

KEPT = 60  # seconds for which counts are kept that nobody takes


class Tally:
    """Counts calls and failures. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[int, list[int]] = {}
        self._totals: Counter[str] = Counter()

    def note(self, *, failed: bool) -> None:
        """Count one call."""
        second = int(self._clock())
        with self._lock:
            if second not in self._counts:
                oldest = second - KEPT
                self._counts = {at: each for at, each in self._counts.items() if at > oldest}
            count = self._counts.setdefault(second, [0, 0])
            count[0] += 1
            count[1] += failed

    def add(self, name: str) -> None:
        """Count something under a name, for good: an answer to an eviction."""
        with self._lock:
            self._totals[name] += 1

    def take_totals(self) -> dict[str, int]:
        """Return and forget what was counted by name."""
        with self._lock:
            totals, self._totals = dict(self._totals), Counter()
        return totals

    def take(self) -> list[tuple[int, int, int]]:
        """Return and forget the counts, as (seconds ago, calls, failed)."""
        now = int(self._clock())
        with self._lock:
            counts, self._counts = self._counts, {}
        return [
            (now - at, calls, failed)
            for at, (calls, failed) in sorted(counts.items())
            if now - at < KEPT
        ]
