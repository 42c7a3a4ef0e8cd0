"""What can happen to the drain of one node: the inputs of :class:`jobs.drain.pacing.DrainState`."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.drain.answers import EvictionAnswer
from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.workloads import Look


@dataclass(frozen=True, slots=True)
class PodsListed:
    """All pods of the node at one moment: whoever is missing is gone."""

    pods: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A pod of the node was made or changed."""

    pod: Pod


@dataclass(frozen=True, slots=True)
class PodGone:
    """A pod left the node: deleted, by its uid. Harmless for one that was never seen."""

    uid: str


@dataclass(frozen=True, slots=True)
class BudgetsListed:
    """All budgets of one namespace at one moment."""

    namespace: str
    budgets: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """A budget was made or changed, in its rule or its counts."""

    budget: Budget


@dataclass(frozen=True, slots=True)
class BudgetGone:
    """A budget was deleted."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class DaemonSetGone:
    """A DaemonSet does not exist, by its uid: its pods on the node are nobody's."""

    uid: str


@dataclass(frozen=True, slots=True)
class OwnersCounted:
    """How ready the pods' owners were at `as_of` (ms), by the uid of what controls the pods."""

    owners: Mapping[str, Owner]
    as_of: int


@dataclass(frozen=True, slots=True)
class Looked:
    """A workload's pods on other nodes at `at` (ms), for a controller; None: that is gone."""

    controller: str
    look: Look | None
    at: int


@dataclass(frozen=True, slots=True)
class LookFailed:
    """A look at a workload, for a controller, got no answer: again later."""

    controller: str


@dataclass(frozen=True, slots=True)
class Crowded:
    """A `Sent` that was not sent after all: other drains have taken its workload's room."""

    uid: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The eviction of a pod is about to be sent. Only for what `actions` offers."""

    uid: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A `Sent` that was not sent after all (no leave); not before `until` (ms) again."""

    uid: str
    until: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a `Sent`; a late one for a pod that is gone by now is harmless."""

    uid: str
    answer: EvictionAnswer


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


PodEvent = PodsListed | PodSeen | PodGone
BudgetEvent = BudgetsListed | BudgetChanged | BudgetGone
EvictionEvent = Sent | Withheld | Crowded | Answer
WorkloadEvent = OwnersCounted | Looked | LookFailed
DrainEvent = PodEvent | BudgetEvent | DaemonSetGone | EvictionEvent | WorkloadEvent | Tick
