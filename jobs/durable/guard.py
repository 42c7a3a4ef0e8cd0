"""Keeps an activation's lease alive while its main thread gets on, and kills the slot otherwise.

A slot that was stopped (SIGSTOP, a paused virtual machine) past its lease must do nothing any more:
somebody else may have taken over. The fence protects Redis; for the world outside, the slot asks
:meth:`LeaseGuard.check` right before each request and is killed when its lease has lapsed by its
own clock, which goes on while the process is stopped and the machine sleeps (CLOCK_BOOTTIME).
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.durable.records import Flags, Token
from jobs.durable.store import Store

log = structlog.get_logger(__name__)

_boottime = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime() -> float:
    """Return seconds on a clock that never stands still, not even while the machine sleeps."""
    return time.clock_gettime(_boottime)


def kill_self() -> None:
    """End this process at once, without running anything more."""
    os.kill(os.getpid(), signal.SIGKILL)


class LeaseGuard:
    """Renews one activation's lease every third of it.

    The main thread promises with :meth:`expect` to be back within some seconds; when it breaks
    the promise the lease is no longer renewed, and lapses. `on_lapse` must not return.

    `ending` is set before a call that ends the activation: a renewal that the call overtakes is
    fenced by it, and that is no take-over.
    """

    def __init__(
        self,
        store: Store,
        token: Token,
        *,
        lease: float,
        acquired: float,
        flags: Flags,
        on_lapse: Callable[[], None] = kill_self,
    ) -> None:
        self._store = store
        self._token = token
        self._lease = lease
        self._lapses = acquired + lease
        self._expected = acquired + lease
        self._on_lapse = on_lapse
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_renewing, name="lease", daemon=True),
            threading.Thread(target=self._watch, name="lease-watch", daemon=True),
        ]
        self._progress: Any = None
        self.ending = False
        self.flags = flags
        self.changed = threading.Event()

    def start(self) -> None:
        """Begin to renew."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Renew no more; the activation is over."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(self._lease)

    def expect(self, seconds: float) -> None:
        """Promise that the main thread will be heard of again within `seconds`."""
        self._expected = uptime() + max(seconds, self._lease)

    def check(self) -> None:
        """Die here if the lease has lapsed; to be called right before each act outside."""
        if self.left() <= 0:
            self._on_lapse()

    def left(self) -> float:
        """Return how many seconds of the lease are left: requests' time-outs stay below it."""
        return self._lapses - uptime()

    def progress(self, value: Any) -> None:
        """Have this stored with the next renewal; the latest wins."""
        self._progress = value

    def flush(self) -> None:
        """Store the latest progress now."""
        if self._progress is not None:
            self._renew()

    def _keep_renewing(self) -> None:
        while not self._stop.wait(self._lease / 3):
            if self.left() <= 0:  # this process stood still: what lapsed is never renewed
                return
            if uptime() < self._expected:
                self._renew()

    def _watch(self) -> None:
        # On a thread of its own, because a renewal may wait long for a Redis that is away.
        while not self._stop.wait(max(0.0, self.left())):
            if self.left() <= 0:
                self._on_lapse()
                return

    def _renew(self) -> None:
        progress, self._progress = self._progress, None
        sent = uptime()  # before it was sent: the lease we believe in is never the longer one
        try:
            reply = self._store.renew(self._token, self._lease, progress)
        except RedisError as error:
            log.warning("lease_renewal_failed", workflow=self._token.id, error=str(error))
            return
        if self._stop.is_set():
            return
        if reply["result"] == "fenced":
            if not self.ending:
                self._on_lapse()
            return
        self._lapses = sent + self._lease
        flags = Flags.read(reply)
        if flags != self.flags:
            self.flags = flags
            self.changed.set()
