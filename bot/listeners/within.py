"""Time for listeners: settle before Slack stops waiting, and keep slow things out of the way.

A listener's work is done in Redis before Slack is answered, since an acknowledged click is never
delivered again. It has :data:`REDIS_SECONDS` from the delivery's arrival, whatever Redis does;
after that the person is told that nobody knows, and that trying again does no harm.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTimeError
from typing import TypeVar

import structlog

from bot.courtesy import Courtesy
from bot.messages.ephemeral import NOT_RECORDED, WENT_WRONG
from jobs.errors import DrainbotError, StateUnavailable

__all__ = ["ARRIVED", "REDIS_SECONDS", "Aside", "Unsettled", "Within"]

ARRIVED = "drainbot_arrived"
"""Key in Bolt's context: when the delivery arrived, on the monotonic clock, in seconds."""

REDIS_SECONDS = 1.5
"""Half of the 3 s in which Slack wants its answer; the rest is for the way and for bad moments."""

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


class Unsettled(DrainbotError):  # noqa: N818  it names what became of the act
    """Nobody knows whether it was recorded; the text tells the person what to do."""


class Within:
    """Runs work in threads of its own and waits for it no longer than its delivery may take."""

    def __init__(
        self,
        seconds: float = REDIS_SECONDS,
        *,
        threads: int = 3,
        courtesy: Courtesy | None = None,
    ) -> None:
        self._seconds = seconds
        self._courtesy = courtesy or Courtesy()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="settle")

    def run(self, arrived: float, work: Callable[[], _T]) -> _T:
        """Return what `work` returns, or raise :class:`Unsettled` with words for the person.

        Work that is given up goes on in its thread: it may still be recorded, hence the words.
        Work whose delivery is too old already is not begun.
        """
        left = arrived + self._seconds - time.monotonic()
        if left <= 0:
            log.warning("listener_late", behind_seconds=round(-left, 3))
            raise Unsettled(NOT_RECORDED)
        future = self._pool.submit(work)
        try:
            with self._courtesy:
                return future.result(left)
        except NotInTimeError as error:
            future.cancel()
            log.warning("listener_gave_up", waited_seconds=round(left, 3))
            raise Unsettled(NOT_RECORDED) from error
        except StateUnavailable as error:
            log.warning("state_unavailable", error=str(error))
            raise Unsettled(NOT_RECORDED) from error
        except Exception as error:
            log.exception("listener_failed")
            raise Unsettled(WENT_WRONG) from error

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Aside:
    """A few threads for what must not hold up an acknowledgement: modals, and words past Redis.

    Nothing that decides anything goes through here, for it is lost with the process. When `room`
    tasks are under way, Slack is too slow to be worth asking, and `start` says no.
    """

    def __init__(self, *, threads: int = 4, room: int = 64) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="aside")
        self._room = threading.BoundedSemaphore(room)

    def start(self, task: Callable[[], None]) -> bool:
        """Run `task` soon; False where there is no room for it."""
        if not self._room.acquire(blocking=False):
            log.warning("aside_full")
            return False
        self._pool.submit(self._run, task)
        return True

    def _run(self, task: Callable[[], None]) -> None:
        try:
            task()
        except Exception:
            log.exception("aside_failed")
        finally:
            self._room.release()

    def close(self) -> None:
        """Take no more tasks; those that run have their own time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
