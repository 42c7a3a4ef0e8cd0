"""Keeps the words of open questions up to date: what people decide on is how it stands now.

While a block is asked about, its budgets' counts change, pods become ready or fail to, and waiting
begins or ceases to help. The question stays the same, and keeps its votes; what makes it another
one is seen to elsewhere (:func:`jobs.freed.another_question`).

A look reads the pods of the question's budgets, and their owners. It is taken when a budget's
status has changed, and now and then because pods change without it; the latest look wins.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.recounting import Sighting, names_of, recounted
from jobs.durable.guard import uptime
from jobs.freed import Watched
from jobs.kubernetes import KubernetesError
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import list_pods_of
from jobs.models import Block, BudgetFacts, Holder
from jobs.resources import Resources

log = structlog.get_logger(__name__)
SOONEST = 3.0  # seconds between two looks at one question, however often its budgets change
LATEST = 15.0  # seconds until the next look where no budget has changed: pods may have
STEP = 0.2  # seconds between two looks for what is due

_Facts = tuple[BudgetFacts, ...]


@dataclass
class _Open:
    """A question that is open: what its budgets said when it was looked at, and when that was."""

    watched: Watched
    budgets: Mapping[str, Budget]
    looked: float
    known: _Facts | None = None

    @property
    def facts(self) -> _Facts:
        return tuple(self.budgets[name].facts for name in sorted(self.budgets))

    def due(self, now: float) -> bool:
        wait = LATEST if self.facts == self.known else SOONEST
        return now >= self.looked + wait


class Amending:
    """A thread that looks while any block is asked about."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._store = resources.store
        self._lock = threading.Lock()
        self._open: dict[str, _Open] = {}
        self._thread: threading.Thread | None = None

    def want(self, watched: Iterable[Watched], budgets: Mapping[str, Mapping[str, Budget]]) -> None:
        """Keep the questions of these up to date from now on, and no others.

        `budgets` are those that are watched, as they are now, by namespace and name.
        """
        with self._lock:
            former, self._open = self._open, {}
            for each in watched:
                found = _named(each, budgets)
                if each.known is None or not found:
                    continue
                same = former.get(each.workflow)
                if same is None or same.watched != each:
                    same = _Open(each, found, looked=uptime())  # it was just asked
                same.budgets = found
                self._open[each.workflow] = same
            if self._open and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="amending", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Look at nothing more; the thread ends soon."""
        self.want((), {})

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            now = uptime()
            with self._lock:
                if not self._open:
                    self._thread = None
                    return
                due = [
                    (workflow, each, each.budgets)
                    for workflow, each in self._open.items()
                    if each.due(now)
                ]
                for _, each, _ in due:
                    # Before the look: what changes while it is taken is looked at once more.
                    each.known, each.looked = each.facts, now
            for workflow, each, budgets in due:
                try:
                    self._look(workflow, each.watched, budgets)
                except (KubernetesError, RedisError) as error:  # the next look is soon
                    log.info("question_not_amended", workflow=workflow, error=str(error))
            pause.wait(STEP)

    def _look(self, workflow: str, watched: Watched, budgets: Mapping[str, Budget]) -> None:
        for id in self._store.awaited(workflow):
            question = self._store.question(id)
            if question is None or question.state != "open":
                continue
            mine: dict[str, Any] = next(
                (each.payload for each in question.members if each.workflow == workflow), {}
            )
            asked = [Block.model_validate(raw) for raw in mine.get("blocks", ())]
            if not asked:
                continue
            seen = self._see(asked, budgets, watched.operation)
            blocks = [recounted(block, seen) for block in asked]
            if blocks != asked:
                stored = [block.model_dump(mode="json") for block in blocks]
                result = self._store.amend(id, {**mine, "blocks": stored}, id=workflow)
                log.info("question_amended", workflow=workflow, question=id, result=result)

    def _see(
        self, blocks: Iterable[Block], budgets: Mapping[str, Budget], operation: str
    ) -> Sighting:
        """Read the pods of the budgets that block, the owners of those that are blocked."""
        covered: dict[str, tuple[Pod, ...]] = {}
        held_by: dict[str, tuple[Holder, ...]] = {}
        owners: dict[str, Owner | None] = {}
        for block in blocks:
            name = next(iter(names_of(block)), "")
            if name not in budgets:
                continue
            if name not in covered:
                budget = budgets[name]
                covered[name] = list_pods_of(
                    self._resources.cluster, budget.namespace, budget.selector
                )
                held_by[name] = self._holders(budget, operation)
            pod = next((each for each in covered[name] if each.uid == block.pod.uid), None)
            runs = pod.controller if pod is not None else None
            if pod is not None and runs is not None and runs.uid not in owners:
                owners[runs.uid] = find_owner(self._resources.cluster, pod.namespace, runs)
        return Sighting(budgets=budgets, covered=covered, held_by=held_by, owners=owners)

    def _holders(self, budget: Budget, operation: str) -> tuple[Holder, ...]:
        holders: Any = self._resources.nodes.budgets.holders(budget.namespace, budget.name)
        return tuple(Holder(operation=who, at=at) for who, at in holders if who != operation)


def _named(watched: Watched, budgets: Mapping[str, Mapping[str, Budget]]) -> dict[str, Budget]:
    """Return those of the budgets of a question that are there."""
    found = {}
    for full in watched.specs:
        namespace, name = full.split("/", 1)
        budget = budgets.get(namespace, {}).get(name)
        if budget is not None:
            found[full] = budget
    return found
