"""An activity: a step that is level-triggered inside and may be interrupted at any time.

It looks at the world, acts, reports, and looks again. If its process dies it simply starts over;
only its outcome is stored. Its function gets an :class:`Activity` first.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, Literal, TypeVar

from jobs.durable.errors import Fenced, HandedOver
from jobs.durable.guard import LeaseGuard, uptime
from jobs.durable.records import Flags, Token
from jobs.durable.store import Store

R = TypeVar("R")
TICK_PROMISE = 10.0  # seconds until an activity that stopped ticking is given up


class Interrupted(BaseException):
    """An abort was seen; the context stores it as the activity's outcome.

    No :class:`Exception`, so that an activity which catches those broadly can't swallow it.
    """


class Rest(BaseException):
    """Raised to free the slot: start over when something wakes the workflow, or at `until` (ms).

    `watching` says what the watcher should look for (JSON).
    """

    def __init__(self, until: int, watching: Mapping[str, Any] | None = None) -> None:
        super().__init__(until, watching)
        self.until = until
        self.watching = watching


Leave = Literal["ok", "fenced", "aborted", "paused", "frozen", "held", "full", "wait"]


@dataclass(frozen=True)
class Permit:
    """Whether one act outside may be sent now; `wait` is in seconds where the rate says so.

    `held`: such acts are held back for now. `full`: the quota has no room.
    """

    leave: Leave
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What has room for only so many acts at a time, over all workers of the group.

    A `member` is given leave while fewer than `room` others were given it after `since` (ms): of
    those in `of`, or of all where it is None. Members are remembered for `keep` ms.
    """

    name: str
    member: str
    room: int
    since: int
    of: tuple[str, ...] | None = None
    keep: int = 120_000

    def arguments(self) -> dict[str, Any]:
        """Return it as the scripts want it."""
        known = asdict(self)
        return {name: value for name, value in known.items() if value is not None}


class Activity(Generic[R]):
    """What an activity may use. `resources` are its worker's own (clients, limits).

    `before` is the progress that was stored last, perhaps by an earlier run of the same activity:
    a memory that may be missing, never a decision. `old_lease` (ms) is when the lease of whoever
    ran the workflow before runs out in full.
    """

    def __init__(
        self,
        store: Store,
        token: Token,
        guard: LeaseGuard,
        resources: R,
        *,
        stopping: Callable[[], bool],
        shielded: bool,
        old_lease: int,
        before: Any,
        clock: Callable[[], int],
        flags: Flags,
    ) -> None:
        self._store = store
        self._guard = guard
        self._flags = flags
        self._stopping = stopping
        self._shielded = shielded
        self._clock = clock
        self.token = token
        self.resources = resources
        self.old_lease = old_lease
        self.before = before

    @property
    def flags(self) -> Flags:
        """Abort, pause and freeze, as they were at the last tick: less than a second ago.

        They stay as they are until the next one, so that what is decided by them and what a rest
        says was seen are the same.
        """
        return self._flags

    def now(self) -> int:
        """Return the time in ms since the epoch, close to Redis'. Never decides a replay."""
        return self._clock()

    def tick(self) -> None:
        """Say that the main thread gets on; unwind if this process ends or a person aborted."""
        self._guard.check()
        self._guard.expect(TICK_PROMISE)
        if self._stopping():
            raise HandedOver
        self._flags = self._guard.flags
        if self._flags.abort and not self._shielded:
            raise Interrupted

    def progress(self, value: Mapping[str, Any]) -> None:
        """Show how far it is; the latest wins, and it makes no event."""
        self._guard.progress(value)

    def remember(self, value: Mapping[str, Any]) -> None:
        """Show how far it is, stored when this returns: what a successor must know in any case.

        To be called before something that leaves no trace but in this process.
        """
        self._guard.progress(value)
        self._guard.flush()

    def permit(
        self, *, bucket: str, rate: float, burst: float, quota: Quota | None = None
    ) -> Permit:
        """Ask for leave right before one act outside; dies here if the lease has lapsed.

        `rate` is acts a second over all workers of the group; 0 is unlimited.
        """
        reply = self._store.permit(
            self.token, bucket=bucket, rate=rate, burst=burst, shielded=self._shielded,
            quota=None if quota is None else quota.arguments(),
        )  # fmt: skip
        self._guard.check()
        return Permit(reply["result"], reply.get("ms", 0) / 1000)

    def check(self) -> None:
        """Die here if the lease has lapsed; for acts that need no leave."""
        self._guard.check()

    def time_left(self) -> float:
        """Return how many seconds a request outside may take at most."""
        return max(0.1, self._guard.left())

    def wait(self, changed: threading.Event, seconds: float) -> None:
        """Wait for `changed`, at most `seconds`, ticking all the while."""
        deadline = uptime() + seconds
        while True:
            self.tick()
            left = deadline - uptime()
            if left <= 0 or changed.wait(min(left, 0.02)):
                return

    def rest(self, *, until: int, watching: Mapping[str, Any] | None = None) -> None:
        """Free the slot and start over when woken, or at `until` (ms; 0: only when woken)."""
        raise Rest(until, watching)

    def still_mine(self) -> None:
        """Unwind if another activation has taken over."""
        if self.permit(bucket="", rate=0, burst=0).leave == "fenced":
            raise Fenced
