"""Whether what a workflow waits for outside has come: decided from what was seen, without I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.wellness import Baseline
from jobs.hosts import Hosts

_NAMED = 3  # pods that a sentence names


@dataclass(frozen=True)
class Watched:
    """What a suspended workflow waits for outside.

    `budgets` must all allow a disruption; of `one_of`, which select the same pod, one must go;
    or one of `pods` has left by itself; or `owners` are all as ready as they say; or `volumes`, by
    their attachments, are all detached; or with `worker_elsewhere` a worker that takes work runs on
    another node.
    `free_for` is how many seconds it must have been free, so that a budget that flickers does not
    resume a drain.
    `known` are the pods that were on the node when people were asked, None where nobody was, and
    `specs` what the budgets of the question said then: another pod, or another word, is another
    question. `operation` is the one that it belongs to.
    """

    workflow: str
    node: str
    uid: str
    operation: str = ""
    budgets: frozenset[str] = frozenset()
    one_of: frozenset[str] = frozenset()
    pods: frozenset[str] = frozenset()
    owners: tuple[Baseline, ...] = ()
    volumes: frozenset[str] = frozenset()
    worker_elsewhere: bool = False
    free_for: float = 0.0
    known: frozenset[str] | None = None
    specs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, workflow: str, raw: Mapping[str, Any]) -> "Watched":
        """Read what the workflow registered."""
        return cls(
            workflow=workflow,
            node=raw["node"],
            uid=raw["uid"],
            operation=raw.get("operation", ""),
            budgets=frozenset(raw.get("budgets", ())),
            one_of=frozenset(raw.get("one_of", ())),
            pods=frozenset(pod["uid"] for pod in raw.get("pods", ())),
            owners=tuple(Baseline.read(owner) for owner in raw.get("owners", ())),
            volumes=frozenset(raw.get("volumes", ())),
            worker_elsewhere=bool(raw.get("worker_elsewhere")),
            free_for=float(raw.get("free_for", 0)),
            known=frozenset(raw["known"]) if raw.get("known") is not None else None,
            specs=raw.get("specs") or {},
        )

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of its budgets."""
        return frozenset(budget.split("/", 1)[0] for budget in self.budgets | self.one_of)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the watcher has seen.

    `budgets` are by namespace and name: one that is missing in a namespace was deleted, a namespace
    that was not listed yet is missing. `pods` are the uids on each node, likewise. `owners` are by
    uid, None for one that is gone, and `attached` says of attachments whether they are there; what
    was not looked at yet is missing. `nodes` are the uids of all nodes, None before they are known.
    `movable` are those pods on each node that a drain may have to move, with their names. `hosts`
    is where workers are, None where nobody asked.
    """

    nodes: Mapping[str, str] | None = None

    budgets: Mapping[str, Mapping[str, Budget]] = field(default_factory=dict)
    pods: Mapping[str, frozenset[str]] = field(default_factory=dict)
    owners: Mapping[str, Owner | None] = field(default_factory=dict)
    attached: Mapping[str, bool] = field(default_factory=dict)
    movable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: Hosts | None = None


@dataclass
class Freed:
    """Remembers since when each watched workflow has been free."""

    since: dict[str, float] = field(default_factory=dict)

    def look(self, watched: Iterable[Watched], seen: Seen, *, seconds: float) -> list[str]:
        """Return the workflows that have been free for long enough.

        `seconds` is on a clock that only goes forward.
        """
        all_watched = list(watched)
        free = {w.workflow for w in all_watched if _is_free(w, seen)}
        self.since = {workflow: self.since.get(workflow, seconds) for workflow in free}
        return [
            w.workflow
            for w in all_watched
            if w.workflow in free and seconds - self.since[w.workflow] >= w.free_for
        ]


def may_have_to_move(pod: Pod) -> bool:
    """Whether a drain may have to do something about a pod that has come to its node."""
    stays = pod.mirror or (pod.controller is not None and pod.controller.kind == "DaemonSet")
    return not (stays or pod.finished or pod.terminating)


def another_question(watched: Watched, seen: Seen) -> str:
    """Say what makes an open question another one than was asked; "" while it is the same.

    Counts of budgets don't, and neither does a budget that lets pods go by now.
    """
    if watched.known is None:
        return ""
    come = {
        name for uid, name in seen.movable.get(watched.node, {}).items() if uid not in watched.known
    }
    if come:
        also = "is" if len(come) == 1 else "are"
        return f"{', '.join(sorted(come)[:_NAMED])} {also} on {watched.node} now too"
    for full, spec in sorted(watched.specs.items()):
        namespace, name = full.split("/", 1)
        budget = seen.budgets.get(namespace, {}).get(name)
        if budget is not None and budget.fresh and budget.spec != spec and not _allows(budget):
            return f"budget {full} says {budget.spec} now, not {spec}"
    return ""


def _is_free(watched: Watched, seen: Seen) -> bool:
    if seen.nodes is not None and seen.nodes.get(watched.node) != watched.uid:
        return True  # the node is gone, or another one has its name: there is nothing to wait for
    if watched.owners and all(
        owner.uid in seen.owners and owner.well(seen.owners[owner.uid]) for owner in watched.owners
    ):
        return True
    if watched.worker_elsewhere:
        return seen.hosts is not None and seen.hosts.elsewhere(watched.node)
    if watched.volumes:
        return not any(seen.attached.get(name, True) for name in watched.volumes)
    return _can_move(watched, seen.budgets, seen.pods)


def _can_move(
    watched: Watched,
    budgets: Mapping[str, Mapping[str, Budget]],
    pods: Mapping[str, frozenset[str]],
) -> bool:
    present = pods.get(watched.node)
    if present is not None and watched.pods - present:
        return True  # one of them left by itself
    if any(_missing(full, budgets) for full in watched.one_of):
        return True
    if not watched.budgets:
        return False
    for full in watched.budgets:
        namespace, name = full.split("/", 1)
        if namespace not in budgets or not _allows(budgets[namespace].get(name)):
            return False
    return True


def _missing(full: str, budgets: Mapping[str, Mapping[str, Budget]]) -> bool:
    namespace, name = full.split("/", 1)
    return namespace in budgets and name not in budgets[namespace]


def _allows(budget: Budget | None) -> bool:
    return budget is None or (
        budget.fresh and not budget.sync_failed and budget.disruptions_allowed > 0
    )
