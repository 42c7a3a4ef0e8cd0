"""What keeps pods on a node, in facts for people: read from the cluster only when it is asked."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jobs.drain.answers import Blocked
from jobs.drain.blocks import block_of, is_never
from jobs.drain.board import ByBudget, Entry
from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.filters import refusal
from jobs.drain.pacing import DrainState, Kept
from jobs.drain.selectors import NOTHING
from jobs.kubernetes import Cluster, KubernetesError
from jobs.kubernetes.owners import find_owner
from jobs.kubernetes.pods import list_pods_of
from jobs.models import Block, Holder, Refusal, RefusalReason, WontStop

WhoHolds = Callable[[str, str], Sequence[tuple[str, int]]]


def _nobody(_namespace: str, _budget: str) -> Sequence[tuple[str, int]]:
    return ()


class Obstacles:
    """Refusals, blocks and pods that won't stop, with their owners; each owner is read once.

    `holders` tells which operations evicted under a budget (namespace, name) a short while ago,
    and when (ms); `operation` is our own, which is none that holds it.
    """

    def __init__(
        self,
        cluster: Cluster,
        tick: Callable[[], None],
        *,
        holders: WhoHolds = _nobody,
        operation: str = "",
    ) -> None:
        self._cluster = cluster
        self._tick = tick
        self._holders = holders
        self._operation = operation
        self._owners: dict[str, Owner | None] = {}
        self.node_ready = True

    def never(self, state: DrainState) -> frozenset[str]:
        """Return the uids of blocked pods that waiting can't help."""
        return frozenset(kept.entry.pod.uid for kept in state.blocked() if self._never(state, kept))

    def _never(self, state: DrainState, kept: Kept) -> bool:
        budgets = _named(state, kept)
        # Between the end of a pod and its successor a budget has fewer pods than it will have:
        # only what the owner wants tells that from one that can't be met.
        return is_never(kept, budgets) and is_never(kept, budgets, self._owner(kept.entry.pod))

    def budget_names(self, state: DrainState) -> list[str]:
        """Return the budgets that block, as `namespace/name`."""
        names = {
            f"{budget.namespace}/{budget.name}"
            for kept in state.blocked()
            if isinstance(kept.answer, ByBudget)
            for budget in _named(state, kept)
        }
        return sorted(names)

    def unseen(self, state: DrainState) -> bool:
        """Whether something else than a budget blocks: only another try finds that it is over."""
        by_budget = (isinstance(kept.answer, ByBudget) for kept in state.blocked())
        return bool(state.waiting()) or not all(by_budget)

    def found(
        self, state: DrainState, now: int, last: Sequence[Entry] = ()
    ) -> dict[str, list[dict[str, Any]]]:
        """Return all obstacles as JSON: `{refusals, blocks, wont_stop}`.

        `last` are the pods to ask about because they are the last ready copy of their workload.
        """
        refusals = self._refusals(state, last)
        blocks = self._blocks(state)
        wont_stop = [
            WontStop(
                pod=entry.pod.ref,
                due=entry.due(state.pace),
                finalizers=entry.pod.finalizers,
                node_ready=self.node_ready,
            )
            for entry in state.overdue(now)
        ]
        return {
            "refusals": [each.model_dump(mode="json") for each in refusals],
            "blocks": [each.model_dump(mode="json") for each in blocks],
            "wont_stop": [each.model_dump(mode="json") for each in wont_stop],
        }

    def _refusals(self, state: DrainState, last: Sequence[Entry]) -> list[Refusal]:
        uids = {entry.pod.uid for entry in last}
        refused = {entry.pod.uid: entry for entry in (*state.refused(), *last)}
        found = []
        for uid, entry in refused.items():
            reasons = entry.judgement.reasons
            if uid in uids:
                reasons = (*reasons, RefusalReason.LAST_READY)
            judgement = replace(entry.judgement, reasons=reasons)
            found.append(refusal(entry.pod, judgement, self._owner(entry.pod)))
        return found

    def _blocks(self, state: DrainState) -> list[Block]:
        seen: dict[tuple[str, str], _Seen] = {}  # each budget is looked at once, as of now
        blocks = []
        for kept in state.blocked():
            budgets, owner = _named(state, kept), self._owner(kept.entry.pod)
            by = getattr(kept.answer, "budget", "") if isinstance(kept.answer, Blocked) else ""
            budget = next((budget for budget in budgets if budget.name == by), None)
            if budget is not None and budget.key not in seen:
                seen[budget.key] = self._look(budget)
            covered, held_by = seen[budget.key] if budget is not None else (None, ())
            blocks.append(
                block_of(kept, budgets=budgets, owner=owner, covered=covered, held_by=held_by)
            )
        return blocks

    def _look(self, budget: Budget) -> "_Seen":
        """Return a budget's pods, on whatever node, and who else evicted under it."""
        held_by = [
            Holder(operation=operation, at=at)
            for operation, at in self._holders(budget.namespace, budget.name)
            if operation != self._operation
        ]
        if budget.selector == NOTHING:  # only its name is known
            return None, held_by
        self._tick()  # the list may take the API server's whole time-out
        try:
            return list_pods_of(self._cluster, budget.namespace, budget.selector), held_by
        except KubernetesError:
            return None, held_by  # the question is asked without them

    def _owner(self, pod: Pod) -> Owner | None:
        if pod.controller is None:
            return None
        uid = pod.controller.uid
        if uid not in self._owners:
            self._tick()  # each of them may take the API server's whole time-out
            try:
                self._owners[uid] = find_owner(self._cluster, pod.namespace, pod.controller)
            except KubernetesError:
                return None  # the question is asked without its counts
        return self._owners[uid]


_Seen = tuple[Sequence[Pod] | None, Sequence[Holder]]


def _budgets(state: DrainState, pod: Pod) -> tuple[Budget, ...]:
    found = (state.gates[key].facts for key in state.covering(pod))
    return tuple(facts for facts in found if facts is not None)


def _named(state: DrainState, kept: Kept) -> tuple[Budget, ...]:
    """Return the budgets that cover a pod, else the one that the server named, without counts."""
    known = _budgets(state, kept.entry.pod)
    name = getattr(kept.answer, "budget", "")
    if known or not name:
        return known
    return (Budget(namespace=kept.entry.pod.namespace, name=name, observed_generation=0),)
