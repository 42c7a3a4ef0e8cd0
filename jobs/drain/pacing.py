"""Which pod of a node to evict when: the state of one drain, as a value.

Use::

    state = DrainState(rules=rules)
    state = state.apply(BudgetsListed(namespace, budgets), now)   # of each namespace concerned
    state = state.apply(PodsListed(pods), now)
    for pod in state.actions(now):                     # these may be evicted now
        state = state.apply(Sent(pod.uid), now)        # each first noted, then sent, by any thread
    state = state.apply(Answer(uid, answer), now)      # and so on with whatever happens
    state.empty, state.stalled(now), state.next_wake(now)

It is level-triggered: a drain that died is taken up by a new state and new lists.

What always holds:

- a uid is offered only while its pod is on the node, is to be evicted, has no eviction on its way
  and was never accepted: an accepted pod is waited for, not evicted again;
- at most `pace.in_flight` evictions are on their way (each `Sent` needs its `Answer` or `Withheld`,
  even if its pod is gone by then), and none is offered before `busy_until`;
- under one budget no more are on their way than its counts allow, or one where they allow none;
- after a refusal the same pod and the same budget are left alone for 100 ms to 10 s, unless the
  budget's counts say that it is free;
- a pod that was gone stays gone, whatever a late event or answer says;
- `actions`, `stalled`, `empty` and `next_wake` change nothing and depend on `now` alone.

Times are milliseconds since the epoch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from jobs.drain import changes
from jobs.drain import events as e
from jobs.drain.answers import Passing
from jobs.drain.board import Board, Entry, Pace, Refusing
from jobs.drain.filters import Fate
from jobs.drain.gates import Key
from jobs.models import PodRef

__all__ = ["Counts", "DrainState", "Entry", "Kept", "Pace"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a drain is. `total` counts every pod that had to go and was ever seen."""

    total: int
    gone: int
    terminating: int
    flying: int
    left: int


class Kept(NamedTuple):
    """A pod whose eviction is refused, by what, and since when (ms)."""

    entry: Entry
    answer: Refusing
    since: int


@dataclass(frozen=True, kw_only=True)
class DrainState(Board):
    """The drain of one node at one moment; every change makes a new one."""

    def apply(self, event: e.DrainEvent, now: int) -> "DrainState":
        """Take in what happened. Raises ValueError for a `Sent` that was not offered."""
        match event:
            case e.PodsListed() | e.PodSeen() | e.PodGone():
                return self._pods(event, now)
            case e.BudgetsListed() | e.BudgetChanged() | e.BudgetGone():
                return changes.budget_event(self, event)
            case e.Sent() | e.Withheld() | e.Answer():
                return self._evictions(event, now)
            case e.DaemonSetGone(uid):
                return changes.daemonset_gone(self, uid, now)
            case e.Tick():
                return changes.time_went_by(self, now)

    def _pods(self, event: e.PodEvent, now: int) -> "DrainState":
        match event:
            case e.PodsListed(pods):
                return changes.pods_listed(self, pods, now)
            case e.PodSeen(pod):
                return changes.pod_seen(self, pod, now)
            case e.PodGone(uid):
                return changes.pod_gone(self, uid, now)

    def _evictions(self, event: e.Sent | e.Withheld | e.Answer, now: int) -> "DrainState":
        match event:
            case e.Sent(uid):
                return changes.sent(self, uid, now)
            case e.Withheld(uid, until):
                return changes.landed(self, uid, not_before=until)
            case e.Answer(uid, answer):
                return changes.answered(self, uid, answer, now)

    def actions(self, now: int) -> tuple[PodRef, ...]:
        """Return the pods whose eviction may be sent now, the best first.

        Those go first that no budget counts; then by priority, the lowest first. All of them may
        be sent at once: together they respect the budgets and `in_flight`.
        """
        free = self.free()
        if free <= 0 or now < self.busy_until:
            return ()
        room: dict[Key, int] = {}
        chosen: list[PodRef] = []
        ready = (entry for entry in self.pods.values() if self.ready(entry, now))
        for entry in sorted(ready, key=lambda entry: entry.order):
            key = self.gate_key(entry)
            if key is not None:
                if key not in room:
                    room[key] = self.gates[key].room(now)
                if room[key] <= 0:
                    continue
                room[key] -= 1
            chosen.append(entry.pod.ref)
            if len(chosen) == free:
                break
        return tuple(chosen)

    @property
    def empty(self) -> bool:
        """Whether no pod is left that has to go; never before the first list."""
        return self.listed and not any(entry.judgement.fate.must_go for entry in self.pods.values())

    def stalled(self, now: int) -> bool:
        """Whether nothing can move by itself any more, but for a budget that may free itself.

        Not while an eviction is on its way or can be sent, a try after a passing error is due, or
        a pod is terminating within its time. Never before the first list, nor when empty.
        """
        return self.listed and not self.empty and not any(self._moving(now))

    def overdue(self, now: int) -> tuple[Entry, ...]:
        """Return the pods that should have been gone: past their time by more than the slack."""
        return self._sorted(entry for entry in self.pods.values() if self.is_overdue(entry, now))

    def refused(self) -> tuple[Entry, ...]:
        """Return the pods that a drain may not touch by itself."""
        return self._sorted(
            entry
            for entry in self.pods.values()
            if entry.judgement.fate is Fate.REFUSE and not entry.accepted and not entry.flying
        )

    def blocked(self) -> tuple[Kept, ...]:
        """Return the pods whose eviction is refused by something other than a passing error.

        A pod that was not tried, because its budget or a missing right refused another one,
        counts as well; one that is being tried again stays in until the answer is there.
        """
        found = []
        for entry in self._sorted(self.pods.values()):
            if entry.judgement.fate is not Fate.EVICT or entry.accepted:
                continue
            answer, since = self.refusal_of(entry)
            if answer is not None and not isinstance(answer, Passing):
                found.append(Kept(entry, answer, since))
        return tuple(found)

    def counts(self) -> Counts:
        """Return how far it is."""
        must = [entry for entry in self.pods.values() if entry.judgement.fate.must_go]
        return Counts(
            total=len(must) + self.total_gone,
            gone=self.total_gone,
            terminating=sum(entry.going for entry in must),
            flying=sum(entry.flying for entry in must),
            left=len(must),
        )

    def next_wake(self, now: int) -> int | None:
        """Return when, without any event, `actions`, `stalled`, `overdue` or a Tick may tell more.

        None if only an event can. Always later than `now`.
        """
        return min((time for time in self._times() if time > now), default=None)

    def _times(self) -> Iterator[int]:
        yield self.busy_until
        limit = self.rules.options.skip_wait_for_delete_timeout * 1000
        for gate in self.gates.values():
            yield gate.not_before
        for entry in self.pods.values():
            yield entry.not_before
            if due := entry.due(self.pace):
                yield due + self.pace.slack + 1
                if limit and entry.pod.terminating:
                    yield due + limit + 1

    def _moving(self, now: int) -> Iterator[bool]:
        for entry in self.pods.values():
            if entry.flying:
                yield True
            elif entry.going:
                yield entry.judgement.fate.must_go and not self.is_overdue(entry, now)
            elif entry.to_evict and not entry.held:
                answer, _ = self.refusal_of(entry)
                yield answer is None or isinstance(answer, Passing)

    @staticmethod
    def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(sorted(entries, key=lambda entry: entry.order))
