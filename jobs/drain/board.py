"""What the drain of one node knows: its pods, and the budgets as gates. See :mod:`pacing`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from jobs.drain.answers import (
    Blocked,
    BudgetBroken,
    Busy,
    MissingRight,
    NamespaceEnding,
    Passing,
    TwoBudgets,
    Webhook,
)
from jobs.drain.facts import Pod
from jobs.drain.filters import Fate, Judgement, Rules
from jobs.drain.gates import Gate, Key
from jobs.drain.workloads import Workload, Workloads

Refusing = (
    Blocked | Busy | TwoBudgets | NamespaceEnding | MissingRight | Webhook | BudgetBroken | Passing
)
ByBudget = (Blocked, BudgetBroken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast. Times in milliseconds.

    `slack` is how long after the end of its grace a terminating pod is overdue; `grace` is the
    grace in seconds that evictions carry, -1 for each pod's own.
    """

    in_flight: int = 32
    first_wait: int = 100
    longest_wait: int = 10_000
    slack: int = 60_000
    grace: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One pod of the node.

    `flying`: an eviction is on its way. `accepted`: when one was let pass, 0 if none was.
    `answer`: the last refusal; `blocked_since`: when the first of them in a row came.
    `held`: it is not tried again by itself. `covering`: the known budgets that select it;
    `gate`: the budget that the last try was under, or that refused it.
    """

    pod: Pod
    judgement: Judgement
    seen: int
    covering: tuple[Key, ...] = ()
    flying: bool = False
    accepted: int = 0
    attempts: int = 0
    not_before: int = 0
    answer: Refusing | None = None
    blocked_since: int = 0
    held: bool = False
    gate: Key | None = None

    @property
    def going(self) -> bool:
        """Whether it is on its way out: only waited for."""
        return self.accepted > 0 or self.judgement.fate is Fate.WAIT

    @property
    def to_evict(self) -> bool:
        """Whether an eviction of it is still to be sent."""
        return self.judgement.fate is Fate.EVICT and not self.accepted and not self.flying

    @property
    def order(self) -> tuple[bool, bool, int, str, str]:
        """Who goes first: those that no budget counts, then by priority, the lowest first."""
        pod = self.pod
        counted = not (pod.finished or pod.phase == "Pending")
        return (counted, pod.ready, pod.priority, pod.namespace, pod.name)

    def due(self, pace: Pace) -> int:
        """When it should be gone, 0 if it is not going: its deletionTimestamp where it has one."""
        if self.pod.terminating:
            return self.pod.deletion
        if not self.accepted:
            return 0
        grace = self.pod.grace if pace.grace < 0 else pace.grace
        return self.accepted + grace * 1000


@dataclass(frozen=True, kw_only=True)
class Board:
    """The fields of a drain, and what can be looked up in them.

    `lacking` maps a namespace to the missing right that was named there, and since when.
    `gone` holds uids that were here and left, so that a late event can't bring them back;
    `unanswered` those of them whose eviction still has no answer: its connection is still taken.
    """

    rules: Rules
    pace: Pace = Pace()
    pods: Mapping[str, Entry] = field(default_factory=dict)
    gates: Mapping[Key, Gate] = field(default_factory=dict)
    lacking: Mapping[str, tuple[MissingRight, int]] = field(default_factory=dict)
    workloads: Workloads = field(default_factory=Workloads)
    gone: frozenset[str] = frozenset()
    unanswered: frozenset[str] = frozenset()
    total_gone: int = 0
    evicted_any: bool = False
    listed: bool = False
    busy_until: int = 0
    last_progress: int = 0

    def with_entry(self, entry: Entry) -> Self:
        """Return it with that pod as given."""
        return replace(self, pods={**self.pods, entry.pod.uid: entry})

    def with_gate(self, key: Key, gate: Gate) -> Self:
        """Return it with that budget as given."""
        return replace(self, gates={**self.gates, key: gate})

    def covering(self, pod: Pod) -> tuple[Key, ...]:
        """Return the known budgets that select a pod."""
        return tuple(
            key
            for key, gate in self.gates.items()
            if key[0] == pod.namespace and gate.facts is not None and gate.facts.covers(pod)
        )

    def gate_key(self, entry: Entry) -> Key | None:
        """Return the budget that a pod waits at: by the budgets' selectors, else by its refusal.

        None where there is none, several (the server answers that at once), or none that counts
        this pod. A budget that refused it does count it, whatever we reckon.
        """
        refused = entry.gate if isinstance(entry.answer, ByBudget) else None
        gate = None if refused is None else self.gates.get(refused)
        # One that we know, and that does not select the pod any more, is out of it.
        if gate is not None and (gate.facts is None or refused in entry.covering):
            return refused
        if len(entry.covering) != 1:
            return None
        (key,) = entry.covering
        facts = self.gates[key].facts
        return None if facts is None or facts.bypassed_by(entry.pod) else key

    @cached_property
    def staying(self) -> Mapping[str, tuple[str, ...]]:
        """The uids of the serving copies on the node that are not about to go, by workload."""
        found: dict[str, list[str]] = {}
        for uid, entry in self.pods.items():
            if not (entry.flying or entry.accepted) and (key := self.workloads.key(entry.pod)):
                found.setdefault(key, []).append(uid)
        return {key: tuple(uids) for key, uids in found.items()}

    def guard(self, entry: Entry) -> str:
        """Return the workload that needs another copy for this pod to go, "" if none does.

        One that a budget covers is the budget's business alone.
        """
        if entry.covering:
            return ""
        key = self.workloads.key(entry.pod)
        return key if key and self.workloads.spares(key, entry.pod) else ""

    def places(self, key: str, now: int) -> int:
        """How many pods of a guarded workload may go now."""
        workload = self.workloads.get(key)
        if not workload.fresh(now):
            return 0
        here = 0 if workload.elsewhere is None else len(self.staying.get(key, ()))
        return workload.room(here)

    def kept_by(self, entry: Entry) -> Workload | None:
        """Return the workload whose last ready copy a pod was found to be, None if it is not."""
        key = self.guard(entry)
        return self.last_copy(key) if key else None

    def last_copy(self, key: str) -> Workload | None:
        """Return a guarded workload if a look found no room in it, else None."""
        workload = self.workloads.get(key)
        if workload.elsewhere is None or workload.room(len(self.staying.get(key, ()))) > 0:
            return None
        return workload

    def free(self) -> int:
        """How many more evictions may be on their way."""
        flying = sum(entry.flying for entry in self.pods.values())
        return self.pace.in_flight - flying - len(self.unanswered)

    def ready(self, entry: Entry, now: int) -> bool:
        """Whether a pod could be sent now, were there no budgets."""
        return (
            entry.to_evict
            and not entry.held
            and now >= max(entry.not_before, self.busy_until)
            and entry.pod.namespace not in self.lacking
        )

    def refusal_of(self, entry: Entry) -> tuple[Refusing | None, int]:
        """Return what keeps a pod that is to be evicted, and since when; None: nothing does.

        A pod that was not tried, because its budget refused another one, is kept as well.
        """
        if entry.pod.namespace in self.lacking:
            lacking, since = self.lacking[entry.pod.namespace]
            return lacking, since
        key = self.gate_key(entry)
        if key is not None and (gate := self.gates[key]).closed:
            return gate.refused, entry.blocked_since or gate.refused_since
        if isinstance(entry.answer, ByBudget):
            return None, 0  # its budget is open now: it is about to be tried
        return entry.answer, entry.blocked_since

    def is_overdue(self, entry: Entry, now: int) -> bool:
        """Whether a pod should have been gone, by more than the slack."""
        if not (entry.going and entry.judgement.fate.must_go):
            return False
        return now > entry.due(self.pace) + self.pace.slack
