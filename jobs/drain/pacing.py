"""Which pod of a node to evict when: the state of one drain, as a value.

Use::

    state = DrainState(rules=rules)
    state = state.apply(BudgetsListed(namespace, budgets), now)   # of each namespace concerned
    state = state.apply(OwnersCounted(owners, as_of), now)
    state = state.apply(PodsListed(pods), now)
    for pod in state.actions(now):                     # these may be evicted now
        state = state.apply(Sent(pod.uid), now)        # each first noted, then sent, by any thread
    state = state.apply(Answer(uid, answer), now)      # and so on with whatever happens
    for namespace, controller in state.wanting(now):   # look at these workloads' pods elsewhere
        state = state.apply(Looked(controller.uid, look, now), now)
    state.empty, state.stalled(now), state.next_wake(now)

It is level-triggered: a drain that died is taken up by a new state and new lists.

What always holds:

- a uid is offered only while its pod is on the node, is to be evicted, has no eviction on its way
  and was never accepted: an accepted pod is waited for, not evicted again;
- at most `pace.in_flight` evictions are on their way (each `Sent` needs its `Answer`, `Withheld` or
  `Crowded`, even if its pod is gone by then), and none is offered before `busy_until`;
- under one budget no more are on their way than its counts allow, or one where they allow none;
- after a refusal the same pod and the same budget are left alone for 100 ms to 10 s, unless the
  budget's counts say that it is free;
- a ready pod of a replicated workload that no budget covers is offered only while another copy is
  ready and stays, as counted or seen in the last 10 s, or if people agreed that it is down; whoever
  sends it takes its :meth:`~DrainState.place` first, so that other drains leave that copy alone;
- a pod that was gone stays gone, whatever a late event or answer says;
- `actions`, `stalled`, `empty` and `next_wake` change nothing and depend on `now` alone.

Times are milliseconds since the epoch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from jobs.drain import changes
from jobs.drain import events as e
from jobs.drain.answers import Passing
from jobs.drain.board import Board, Entry, Pace, Refusing
from jobs.drain.facts import Controller
from jobs.drain.filters import Fate
from jobs.drain.gates import Key
from jobs.drain.workloads import FRESH, Place
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
            case e.Sent() | e.Withheld() | e.Crowded() | e.Answer():
                return self._evictions(event, now)
            case e.OwnersCounted() | e.Looked() | e.LookFailed():
                return self._workloads(event, now)
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

    def _workloads(self, event: e.WorkloadEvent, now: int) -> "DrainState":
        match event:
            case e.OwnersCounted():
                return changes.owners_counted(self, event)
            case e.Looked():
                return changes.looked(self, event, now)
            case e.LookFailed(controller):
                return changes.look_failed(self, controller, now)

    def _evictions(self, event: e.EvictionEvent, now: int) -> "DrainState":
        match event:
            case e.Sent(uid):
                return changes.sent(self, uid, now)
            case e.Withheld(uid, until):
                return changes.withheld(self, uid, until=until)
            case e.Crowded(uid):
                return changes.crowded(self, uid, now)
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
        room: dict[Key | str, int] = {}
        chosen: list[PodRef] = []
        ready = [each for each in self._undecided if self.ready(each[0], now)]
        for entry, guard in sorted(ready, key=lambda each: each[0].order):
            needs = [need for need in (self.gate_key(entry), guard) if need]
            for need in needs:
                if need not in room:
                    room[need] = self._room(need, now)
            if any(room[need] <= 0 for need in needs):
                continue
            for need in needs:
                room[need] -= 1
            chosen.append(entry.pod.ref)
            if len(chosen) == free:
                break
        return tuple(chosen)

    def _room(self, need: Key | str, now: int) -> int:
        """How many pods a budget, or a workload without one, lets go now."""
        return self.places(need, now) if isinstance(need, str) else self.gates[need].room(now)

    def place(self, uid: str) -> Place | None:
        """Return what must hold over all drains for a pod to be sent, None if nothing must.

        Also a pod that may go anyway takes its place: other drains should know of it.
        """
        entry = self.pods[uid]
        key = "" if entry.covering else self.workloads.key(entry.pod)
        workload = self.workloads.get(key)
        if not key or workload.gone:
            return None
        # A count needs no names, and finding them anew for each of many pods would be slow.
        staying = () if workload.elsewhere is None else self.staying.get(key, ())
        return self.workloads.place(key, entry.pod, [other for other in staying if other != uid])

    def wanting(self, now: int) -> tuple[tuple[str, Controller], ...]:
        """Return the controllers, with their namespaces, whose workloads are to be looked at now.

        Only those of pods that could be sent next, or that people are about to be asked about.
        """
        found: dict[str, tuple[str, Controller]] = {}
        for entry, key in self._undecided:
            if not key or key in found or entry.pod.controller is None:
                continue
            workload = self.workloads.get(key)
            asked = entry.judgement.fate is Fate.REFUSE and workload.elsewhere is None
            if (
                (asked or self.ready(entry, now))
                and now >= workload.look_at
                and self.places(key, now) <= 0
            ):
                found[key] = (entry.pod.namespace, entry.pod.controller)
            if len(found) == self.pace.in_flight:
                break
        return tuple(found.values())

    def waiting(self) -> tuple[Entry, ...]:
        """Return the pods that would go, but are the last ready copy of their workload."""
        return self._waiting

    @cached_property
    def _waiting(self) -> tuple[Entry, ...]:
        last = {key for key in {key for _, key in self._undecided if key} if self.last_copy(key)}
        return self._sorted(
            entry
            for entry, key in self._undecided
            if key in last and entry.to_evict and self._may_be_sent(entry)
        )

    @cached_property
    def _undecided(self) -> tuple[tuple[Entry, str], ...]:
        """The pods to evict or to refuse, each with the workload that needs another copy of it.

        Only these are looked at at every turn: most of the time most pods are on their way out.
        """
        return tuple(
            [
                (entry, self.guard(entry))
                for entry in self.pods.values()
                if entry.to_evict or entry.judgement.fate is Fate.REFUSE
            ]
        )

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
        return self._blocked

    @cached_property
    def _blocked(self) -> tuple[Kept, ...]:
        found = []
        for entry in self.pods.values():
            if entry.accepted or entry.judgement.fate is not Fate.EVICT:
                continue
            answer, since = self.refusal_of(entry)
            if answer is not None and not isinstance(answer, Passing):
                found.append(Kept(entry, answer, since))
        return tuple(sorted(found, key=lambda kept: kept.entry.order))

    def counts(self) -> Counts:
        """Return how far it is."""
        return self._counts

    @cached_property
    def _counts(self) -> Counts:
        must = [entry for entry in self.pods.values() if entry.judgement.fate.must_go]
        return Counts(
            total=len(must) + self.total_gone,
            gone=self.total_gone,
            terminating=sum([entry.going for entry in must]),
            flying=sum([entry.flying for entry in must]),
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
        for key in {key for entry, key in self._undecided if key and entry.to_evict}:
            workload = self.workloads.get(key)
            yield workload.look_at
            yield workload.read_at + FRESH + 1
        for entry in self.pods.values():
            if entry.not_before:
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
            elif entry.to_evict:
                yield self._may_be_sent(entry) and self.kept_by(entry) is None

    def _may_be_sent(self, entry: Entry) -> bool:
        """Whether nothing has refused a pod but what passes."""
        answer, _ = self.refusal_of(entry)
        return not entry.held and (answer is None or isinstance(answer, Passing))

    @staticmethod
    def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(sorted(entries, key=lambda entry: entry.order))
