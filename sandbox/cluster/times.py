"""Times as Kubernetes writes them: RFC 3339 in UTC, whole seconds."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["Clock", "parse", "stamp", "wall_clock"]

Clock = Callable[[], float]
"""Gives the time in seconds since the epoch."""

wall_clock: Clock = time.time


@lru_cache(maxsize=64)
def _of_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(seconds: float) -> str:
    """Write a time; what is below a second is cut off, as the API does."""
    return _of_second(int(seconds))


def parse(text: str) -> float:
    """Read a time back. Raises ValueError if it is none."""
    return datetime.fromisoformat(text).timestamp()
