"""Counts what the calls of this process to the API server came to, second by second."""

import threading
from collections.abc import Callable
from time import monotonic

KEPT = 60  # seconds for which counts are kept that nobody takes


class Tally:
    """Counts calls and failures. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[int, list[int]] = {}

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
