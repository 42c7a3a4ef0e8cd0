"""The brake: when too many calls to the API server fail, nothing is evicted until it is better.

Calls of all workers of a cluster count, by the second. On: of the last 30 s' calls, at least ten, a
fifth failed. Off again: of the last 10 s' calls, at least five, less than a fifth did; while it is
on, nothing is evicted, so these are looks and one probe a second. What failed before it went off
does not put it on again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.drain.answers import Busy, Passing, classify

WINDOW, RECENT = 30, 10  # seconds that count to put it on, and to take it off
LEAST, LEAST_RECENT = 10, 5  # calls that tell anything: one failure of two is no brake
SHARE = 5  # one of so many
_SERVER_ERROR = 500
_THROTTLED = (408, 429)

Count = tuple[int, int, int]  # second (of the epoch), calls, failed


@dataclass(frozen=True, slots=True)
class Brake:
    """Whether it is on, since when (ms), and what it was decided on: calls, and failed ones."""

    on: bool = False
    since: int = 0
    calls: int = 0
    failed: int = 0

    @property
    def why(self) -> str:
        """What people are told while it is on."""
        return (
            f"evictions wait: {self.failed} of {self.calls} calls to the API server failed in the "
            f"last {WINDOW} s"
        )


def decide(brake: Brake, counts: Iterable[Count], now: int) -> Brake:
    """Decide anew, on the calls of all workers; `now` in ms."""
    counts = tuple(counts)
    calls, failed = _sum(counts, max(brake.since // 1000, now // 1000 - WINDOW))
    if not brake.on:
        on = calls >= LEAST and failed * SHARE >= calls
        return Brake(on=True, since=now, calls=calls, failed=failed) if on else brake
    recent, broken = _sum(counts, max(brake.since // 1000, now // 1000 - RECENT))
    if recent >= LEAST_RECENT and broken * SHARE < recent:
        return Brake(on=False, since=now, calls=recent, failed=broken)
    calls, failed = _sum(counts, now // 1000 - WINDOW)
    return Brake(on=True, since=brake.since, calls=calls, failed=failed)


def failing(status: int, headers: Mapping[str, str], body: Any) -> bool:
    """Whether an answer is a failure of the API server: no budget, no webhook's own decision."""
    if status < _SERVER_ERROR and status not in _THROTTLED:
        return False
    return isinstance(classify(status, headers, body), Passing | Busy)


def _sum(counts: Iterable[Count], after: int) -> tuple[int, int]:
    """Add up the calls, and the failed ones, of the seconds after that one."""
    seconds = [(calls, failed) for second, calls, failed in counts if second > after]
    return sum(calls for calls, _ in seconds), sum(failed for _, failed in seconds)
