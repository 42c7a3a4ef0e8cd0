"""The scheduler: gives pods a node, or says in their status why there is none."""

from sandbox.cluster.controllers.base import Controller, World
from sandbox.cluster.objects import Item, Json, condition, set_condition
from sandbox.cluster.quantities import Requests, requests_of
from sandbox.cluster.resources import resource
from sandbox.cluster.scheduling import place
from sandbox.cluster.store import Change
from sandbox.cluster.times import stamp

__all__ = ["Scheduler", "bound"]

_PODS = resource("pods")
_NODES = resource("nodes")
_NOTHING = Requests(0, 0, 0)
_FINISHED = ("Succeeded", "Failed")


def _condition(now: float, status: str, **more: str) -> Json:
    return {
        "type": "PodScheduled",
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": stamp(now),
        **more,
    }


def bound(pod: Item, node: str, now: float) -> Json:
    """Return the body of a pod that got a node."""
    body = {**pod.body, "spec": {**pod.spec, "nodeName": node}}
    return set_condition(body, _condition(now, "True"))


class Scheduler(Controller):
    """Binds pods. It counts what each node's pods ask for as they come and go."""

    name = "scheduler"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._used: dict[str, Requests] = {}
        self._counted: dict[str, tuple[str, Requests]] = {}
        self._waiting: dict[str, Item] = {}

    def watch(self) -> None:
        """Listen to pods and nodes."""
        self.listen(_PODS, self._pod_changed)
        self.listen(_NODES, self._node_changed)

    def resync(self) -> None:
        """Count everything anew."""
        self._used.clear()
        self._counted.clear()
        self._waiting.clear()
        for pod in self.store[_PODS]:
            self._count(pod)

    def _pod_changed(self, change: Change) -> None:
        pod = change.item
        if change.kind == "DELETED":
            self._waiting.pop(pod.uid, None)
            self._discount(pod.uid)
        else:
            self._count(pod)

    def _node_changed(self, _change: Change) -> None:
        self._soon()

    def _count(self, pod: Item) -> None:
        node = pod.spec.get("nodeName")
        if not node:
            if not pod.ending and pod.uid not in self._waiting:
                self._waiting[pod.uid] = pod
                self._soon()
            return
        self._waiting.pop(pod.uid, None)
        if pod.status.get("phase") in _FINISHED:
            self._discount(pod.uid)
        elif pod.uid not in self._counted:
            asked = requests_of(pod.spec["containers"])
            self._counted[pod.uid] = node, asked
            self._used[node] = self._used.get(node, _NOTHING).plus(asked)

    def _discount(self, uid: str) -> None:
        found = self._counted.pop(uid, None)
        if found:
            node, asked = found
            self._used[node] = self._used[node].minus(asked)
            self._soon()  # there is room now

    def _soon(self) -> None:
        if self._waiting:
            self.later("all", self.timing.schedule_s, self._schedule)

    def _schedule(self) -> None:
        nodes = list(self.store[_NODES])
        for waiting in list(self._waiting.values()):
            pod = self.current(_PODS, waiting)
            if pod is None or pod.ending:
                self._waiting.pop(waiting.uid, None)
                continue
            self._place(pod, nodes)

    def _place(self, pod: Item, nodes: list[Item]) -> None:
        asked = requests_of(pod.spec["containers"])
        fit = place(pod.spec, asked, nodes, lambda node: self._used.get(node, _NOTHING))
        now = self.store.clock()
        if fit.node:
            self.store.replace(_PODS, pod, bound(pod, fit.node, now))
            return
        present = condition(pod.body, "PodScheduled") or {}
        if present.get("message") != fit.message:
            wanted = _condition(now, "False", reason="Unschedulable", message=fit.message)
            self.store.replace(_PODS, pod, set_condition(pod.body, wanted))
