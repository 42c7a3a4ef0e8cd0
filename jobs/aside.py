"""What no drain may wait for: done by one thread of its own, in order, and dropped if it piles up.

What is told in a cluster (Events, conditions) goes this way. A process that dies takes what waited
with it, so only what may be missing belongs here.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
MOST_WAITING = 200
IMPATIENT_FOR = 60.0  # seconds that nobody waits after somebody did in vain


class Aside:
    """The thread begins with the first act and ends when nothing is left: nobody has to stop it.

    `clock` is in seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._running = False
        self._said: set[str] = set()
        self._behind_until = float("-inf")

    def do(self, act: Callable[[], None]) -> threading.Event:
        """Let `act()` be done; the event is set once it was, or failed, or was dropped."""
        done = threading.Event()
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                log.warning("aside_dropped", waiting=len(self._waiting))
                done.set()
                return done
            self._waiting.append((act, done))
            begin, self._running = not self._running, True
        if begin:
            threading.Thread(target=self._run, name="aside", daemon=True).start()
        return done

    @property
    def idle(self) -> bool:
        """Whether all that was to be done is done."""
        with self._lock:
            return not self._running

    @property
    def keeps_up(self) -> bool:
        """Whether it is worth a moment's wait: none was in vain lately."""
        return self._clock() >= self._behind_until

    def fell_behind(self) -> None:
        """Note that somebody waited in vain: for a while nobody else should."""
        self._behind_until = self._clock() + IMPATIENT_FOR

    def first_time(self, what: str) -> bool:
        """Whether this is asked for the first time in this process: some things are said once."""
        with self._lock:
            new = what not in self._said
            self._said.add(what)
            return new

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running = False
                    return
                act, done = self._waiting.popleft()
            try:
                act()
            except Exception:
                log.exception("aside_failed")
            finally:
                done.set()
