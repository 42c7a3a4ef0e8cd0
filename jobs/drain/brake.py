"""The brake: when too many calls to the API server fail, nothing is evicted until it is better.

Calls of all workers of a cluster count, by the second. On: of the last 30 s' calls, at least ten, a
fifth failed. While it is on, nothing is evicted: what counts then are looks and one probe a second.
Off again, whichever comes first:

- It is better: of the last 10 s' calls, at least five, less than a fifth failed. A server that has
  answered some calls and failed others has too much to do, and shows for a while that it has not.
- It was away and is back: for 3 s no call came through, and of those since then, at least three,
  less than a fifth failed. What answers nobody has nothing to do; waiting would spare it nothing.

What failed before it went off does not put it on again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.drain.answers import Busy, Passing, classify

WINDOW, RECENT = 30, 10  # seconds that count to put it on, and to take it off
LEAST, LEAST_RECENT = 10, 5  # calls that tell anything: one failure of two is no brake
AWAY, LEAST_BACK = 3, 3  # seconds without an answer: an outage; calls that tell that it is over
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
    second, since = now // 1000, brake.since // 1000
    if not brake.on:
        calls, failed = _sum(counts, max(since, second - WINDOW))
        on = calls >= LEAST and failed * SHARE >= calls
        return Brake(on=True, since=now, calls=calls, failed=failed) if on else brake
    recent = max(since, second - RECENT)
    looks = [(LEAST_RECENT, counts, recent)]
    outage = _end_of_outage(counts)
    if outage > recent:  # what failed in the second of its return was before that
        back = tuple(_answered(each, outage + 1) for each in counts)
        looks.append((LEAST_BACK, back, outage))
    for least, seen, after in looks:
        calls, failed = _sum(seen, after)
        if calls >= least and failed * SHARE < calls:
            return Brake(on=False, since=now, calls=calls, failed=failed)
    calls, failed = _sum(counts, second - WINDOW)
    return Brake(on=True, since=brake.since, calls=calls, failed=failed)


def failing(status: int, headers: Mapping[str, str], body: Any) -> bool:
    """Whether an answer is a failure of the API server: no budget, no webhook's own decision."""
    if status < _SERVER_ERROR and status not in _THROTTLED:
        return False
    return isinstance(classify(status, headers, body), Passing | Busy)


def _end_of_outage(counts: tuple[Count, ...]) -> int:
    """Return the last second of the latest outage, 0 if there was none: all calls of it failed."""
    begin = end = 0
    for second, calls, failed in sorted(counts):
        if calls > failed:
            begin = 0
        elif failed:
            begin = begin or second
            end = second if second - begin >= AWAY else end
    return end


def _answered(count: Count, second: int) -> Count:
    """Leave out what failed in that one second."""
    at, calls, failed = count
    return (at, calls - failed, 0) if at == second else count


def _sum(counts: Iterable[Count], after: int) -> tuple[int, int]:
    """Add up the calls, and the failed ones, of the seconds after that one."""
    seconds = [(calls, failed) for second, calls, failed in counts if second > after]
    return sum(calls for calls, _ in seconds), sum(failed for _, failed in seconds)
