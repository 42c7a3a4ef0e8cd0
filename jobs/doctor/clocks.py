"""Whether the clocks agree that times are compared between. All in ms since the epoch.

Leases and timers run by Redis' clock alone; a pod's deletionTimestamp is the API server's, and is
compared with Redis' to tell when a pod is overdue.
"""

from collections.abc import Mapping

from jobs.doctor.findings import Finding, ok, unsafe

PART = "clocks"
MOST = 5_000  # ms that a clock may be off: well below the slack of a terminating pod (60 s)


def compare_clocks(redis: int, others: Mapping[str, int]) -> list[Finding]:
    """Compare Redis' clock with others', by name; a second of each is the rounding of HTTP."""
    found = []
    for name, at in others.items():
        off = (at - redis) / 1000
        if abs(at - redis) <= MOST:
            found.append(ok(PART, f"{name} and Redis agree within {MOST // 1000} s"))
            continue
        which = "ahead of" if off > 0 else "behind"
        found.append(
            unsafe(
                PART,
                f"{name} is {abs(off):.0f} s {which} Redis",
                "Let all hosts follow the same time service (chrony, systemd-timesyncd).",
            )
        )
    return found
