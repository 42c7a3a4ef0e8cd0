"""Wait for something in the cluster that no list tells of cheaply: look, more and more seldom."""

import threading
from collections.abc import Mapping
from typing import Any

from jobs.durable import Activity
from jobs.resources import Resources

FIRST, LONGEST = 0.5, 5.0  # seconds between two looks
REST_AFTER = 3_000  # ms without motion until the slot is freed
LONGEST_REST = 60_000  # ms until it looks by itself: the watcher may be away


class Patient:
    """Paces an activity's looks, and frees its slot when nothing moves.

    `who` is what the watcher is told of the waiting workflow beside what it looks for; `until` (ms)
    is when the wait is over.
    """

    def __init__(self, act: Activity[Resources], who: Mapping[str, Any], *, until: int) -> None:
        self._act = act
        self._who = who
        self._until = until
        self._wait = FIRST
        self._state: Any = None
        self._moved_at = act.now()

    @property
    def left(self) -> bool:
        """Whether there still is time."""
        return self._act.now() < self._until

    def wait(self, *, state: Any, watching: Mapping[str, Any]) -> None:
        """Wait until the next look; `state` is what was seen: while it stays, nothing moves.

        Unwinds to rest when it has stayed for a while; the watcher looks for `watching` then.
        """
        now = self._act.now()
        if state != self._state:
            self._state, self._moved_at, self._wait = state, now, FIRST
        if now - self._moved_at >= REST_AFTER:
            told = {**self._who, **watching, "free_for": 0}
            self._act.rest(until=min(self._until, now + LONGEST_REST), watching=told)
        left = max(0, self._until - now) / 1000
        self._act.wait(threading.Event(), min(self._wait, left))
        self._wait = min(self._wait * 1.5, LONGEST)
