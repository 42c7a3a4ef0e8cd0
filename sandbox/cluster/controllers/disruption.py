"""The disruption controller: keeps the status of budgets, after a delay that can be set."""

from sandbox.cluster.budgets import Owner, compute
from sandbox.cluster.controllers.base import Controller
from sandbox.cluster.objects import Item, Key, controller_of
from sandbox.cluster.resources import resource
from sandbox.cluster.selecting import label_selector_of
from sandbox.cluster.store import Change

__all__ = ["Disruption"]

_PODS = resource("pods")
_BUDGETS = resource("poddisruptionbudgets")
_SCALED = {("apps", kind): resource(kind) for kind in ("ReplicaSet", "StatefulSet", "Deployment")}


class Disruption(Controller):
    """Computes a budget again when it, one of its pods, or what owns them changes."""

    name = "disruption"

    def watch(self) -> None:
        """Listen to budgets, pods and their owners."""
        self.listen(_BUDGETS, self._budget_changed)
        self.listen(_PODS, self._pod_changed)
        for owners in _SCALED.values():
            self.listen(owners, self._owner_changed)

    def resync(self) -> None:
        """Compute every budget."""
        for budget in self.store[_BUDGETS]:
            self._soon(budget.key)

    def _budget_changed(self, change: Change) -> None:
        if change.kind == "DELETED":
            self.forget(change.item.key)
        else:
            self._soon(change.item.key)

    def _pod_changed(self, change: Change) -> None:
        pod = change.item
        for budget in self.store[_BUDGETS].in_namespace(pod.key.namespace):
            chosen = label_selector_of(budget.spec.get("selector"))
            if chosen(pod.labels) or (change.previous and chosen(change.previous.labels)):
                self._soon(budget.key)

    def _owner_changed(self, change: Change) -> None:
        before = change.previous.spec.get("replicas") if change.previous else None
        if before != change.item.spec.get("replicas"):
            for budget in self.store[_BUDGETS].in_namespace(change.item.key.namespace):
                self._soon(budget.key)

    def _soon(self, key: Key, delay_s: float | None = None) -> None:
        delay_s = self.timing.budget_s if delay_s is None else delay_s
        self.later(key, delay_s, lambda: self._compute(key))

    def _compute(self, key: Key) -> None:
        budget = self.store[_BUDGETS].get(*key)
        if budget is None:
            return
        chosen = label_selector_of(budget.spec.get("selector"))
        pods = [pod for pod in self.store[_PODS].in_namespace(key.namespace) if chosen(pod.labels)]
        now = self.store.clock()
        timeout_s = self.timing.disrupted_s / self.timing.speed
        verdict = compute(budget, pods, self._owner_of, now, timeout_s=timeout_s)
        self.store.replace(_BUDGETS, budget, verdict.body)
        if verdict.recheck_s is not None:
            self._soon(key, (verdict.recheck_s + 1) * self.timing.speed)

    def _owner_of(self, pod: Item) -> Owner | None:
        """Return what scales the pod: its owner, or a ReplicaSet's Deployment."""
        owner = self._controller(pod)
        above = self._controller(owner) if owner else None
        found = above or owner
        return (found.uid, found.spec.get("replicas", 0)) if found else None

    def _controller(self, item: Item) -> Item | None:
        reference = controller_of(item.body)
        if reference is None:
            return None
        group = reference["apiVersion"].partition("/")[0]
        owners = _SCALED.get((group, reference["kind"]))
        found = self.store[owners].get(item.key.namespace, reference["name"]) if owners else None
        return found if found and found.uid == reference["uid"] else None
