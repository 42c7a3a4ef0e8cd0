"""People first: the telling gives way while somebody waits for an acknowledgement.

Both share one interpreter. Without this, fifty commands at once wait for the rendering of the
messages that they themselves cause, and Slack's three seconds come closer.
"""

import threading
from types import TracebackType
from typing import Self

__all__ = ["MOST", "Courtesy"]

MOST = 0.05  # seconds; the telling goes on after that, however many wait: it must not starve


class Courtesy:
    """Counts those who wait; entered once for each of them, from any thread."""

    def __init__(self) -> None:
        self._waiting = 0
        self._nobody = threading.Condition()

    def __enter__(self) -> Self:
        """Somebody begins to wait."""
        with self._nobody:
            self._waiting += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Somebody has been answered."""
        with self._nobody:
            self._waiting -= 1
            if not self._waiting:
                self._nobody.notify_all()

    def give_way(self, most: float = MOST) -> None:
        """Return when nobody waits, after `most` seconds at the latest."""
        if not self._waiting:  # the usual case, without the lock: a stale look does no harm
            return
        with self._nobody:
            self._nobody.wait_for(lambda: not self._waiting, most)
