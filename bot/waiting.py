"""Waiting for Redis and Slack at the start: one clear line, then tries with longer pauses."""

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog

__all__ = ["NotYet", "pauses", "wait_for"]

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


class NotYet(Exception):  # noqa: N818  it names a state of the world
    """It is not there yet; the text says why, `retry_after` when to ask again at the earliest."""

    def __init__(self, why: str, retry_after: float = 0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


def pauses(first: float = 0.25, most: float = 1.5) -> Iterator[float]:
    """Yield pauses in seconds, each twice as long as the one before, up to `most`.

    No longer than that: whatever was away is used within two seconds of its return.
    """
    pause = first
    while True:
        yield pause
        pause = min(pause * 2, most)


def wait_for(what: str, attempt: Callable[[], _T], stop: threading.Event) -> _T | None:
    """Try until `attempt` returns instead of raising :class:`NotYet`; None if stopped before.

    It is said once that `what` is away, and once that it is back: not at each try.
    """
    away = False
    for pause in pauses():
        if stop.is_set():
            return None
        try:
            found = attempt()
        except NotYet as not_yet:
            if not away:
                log.warning("waiting", for_=what, why=str(not_yet))
            away = True
            stop.wait(max(pause, not_yet.retry_after))
        else:
            if away:
                log.info("there_again", what=what)
            return found
    return None
