"""The stand-in's clock: real time, or time that only a test moves."""

import time

__all__ = ["Clock"]


class Clock:
    """Seconds since the epoch. ``advance`` moves it on; a frozen one moves by that alone.

    Signatures of deliveries carry real time all the same: the app that checks them reads its own
    clock.
    """

    def __init__(self, *, frozen_at: float | None = None) -> None:
        self._frozen_at = frozen_at
        self._ahead = 0.0

    def now(self) -> float:
        """Return the time in seconds."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self._ahead

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds; raises ValueError for fewer than none."""
        if seconds < 0:
            raise ValueError("time goes forward only")
        self._ahead += seconds
