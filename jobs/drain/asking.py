"""When a drain stops trying and asks: decided from its state, without I/O."""

from dataclasses import dataclass
from enum import StrEnum

from jobs.drain.answers import Passing
from jobs.drain.board import Entry
from jobs.drain.filters import Fate
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
    if state.refused() or state.overdue(now) or last_copies(state, patience, moved_at, now):
        return Ask.OBSTACLES, now
    if any(kept.entry.pod.uid in never for kept in state.blocked()):
        return Ask.OBSTACLES, now
    at = moved_at + patience.ask_after
    return (Ask.OBSTACLES, now) if now >= at else (None, min(at, patience.deadline))


def last_copies(
    state: DrainState, patience: Patience, moved_at: int, now: int
) -> tuple[Entry, ...]:
    """Return the pods to ask about because each is the last ready copy of its workload.

    At once where no other copy is wanted or comes; else when one had its time to become ready.
    Those that are refused for another reason too are among them: people decide on both at once.
    """
    patient = now < min(moved_at + patience.ask_after, patience.deadline)
    found = []
    for entry in (*state.refused(), *state.waiting()):
        workload = state.kept_by(entry)
        refused = entry.judgement.fate is Fate.REFUSE
        if workload is not None and (workload.hopeless or not (patient or refused)):
            found.append(entry)
    return tuple(found)


def next_end(state: DrainState, now: int) -> int | None:
    """Return when (ms) a drain that only waits has to look again, 0 if not by itself.

    None while an eviction is on its way or about to be tried. What it waits for are pods that end
    (the first of them is overdue, or forgotten, at that time) and blocks.
    """
    for entry in state.pods.values():
        if entry.flying:
            return None
        if entry.to_evict and not entry.held:
            answer, _ = state.refusal_of(entry)
            passing = answer is None or isinstance(answer, Passing)
            if passing and state.kept_by(entry) is None:
                return None
    ends = [
        entry.due(state.pace) + _patience(state, entry) + 1
        for entry in state.pods.values()
        if entry.going and entry.judgement.fate.must_go and not state.is_overdue(entry, now)
    ]
    return min(ends, default=0)


def _patience(state: DrainState, entry: Entry) -> int:
    """Return for how long (ms) a pod is waited for past its time to stop."""
    limit = state.rules.options.skip_wait_for_delete_timeout * 1000
    slack = state.pace.slack
    return min(slack, limit) if limit and entry.pod.terminating else slack
