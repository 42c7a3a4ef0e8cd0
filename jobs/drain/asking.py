"""When a drain stops trying and asks: decided from its state, without I/O."""

from dataclasses import dataclass
from enum import StrEnum

from jobs.drain.answers import Blocked, BudgetBroken, Busy
from jobs.drain.pacing import DrainState


class Ask(StrEnum):
    """Why people are asked."""

    OBSTACLES = "asks"  # nothing can move any more
    OVERDUE = "overdue"  # the node's drain takes too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a drain waits before it asks. Times in milliseconds.

    `ask_after` counts from the last time that a pod moved, for blocks that may pass; what can
    never pass is asked about at once.
    """

    deadline: int
    ask_after: int


def when_to_ask(
    state: DrainState, never: frozenset[str], patience: Patience, *, moved_at: int, now: int
) -> tuple[Ask | None, int]:
    """Return whether to ask now, and else when (ms) to look again at the latest.

    `never` holds the uids of blocked pods that waiting can't help.
    """
    if state.empty:
        return None, patience.deadline
    if now >= patience.deadline:
        return Ask.OVERDUE, now
    if not state.stalled(now):
        return None, patience.deadline
    if state.refused() or state.overdue(now):
        return Ask.OBSTACLES, now
    waiting = [
        answer
        for entry, answer, _ in state.blocked()
        if isinstance(answer, Blocked | BudgetBroken | Busy) and entry.pod.uid not in never
    ]
    if len(waiting) < len(state.blocked()):
        return Ask.OBSTACLES, now
    at = moved_at + patience.ask_after
    return (Ask.OBSTACLES, now) if now >= at else (None, min(at, patience.deadline))
