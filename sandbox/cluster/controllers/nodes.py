"""The node lifecycle and taint controllers: taints that follow from a node's state, and from them.

A cordon puts the taint `node.kubernetes.io/unschedulable` on a node a moment later, so the node has
a newer version then than the cordon's answer said.
"""

from sandbox.cluster.controllers.base import Controller
from sandbox.cluster.objects import Item, Json, condition
from sandbox.cluster.resources import resource
from sandbox.cluster.scheduling import tolerates
from sandbox.cluster.store import Change
from sandbox.cluster.times import stamp

__all__ = ["NodeLifecycle", "TaintEviction", "own_taints"]

_NODES = resource("nodes")
_PODS = resource("pods")
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_NOT_READY = "node.kubernetes.io/not-ready"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_OURS = frozenset({_UNSCHEDULABLE, _NOT_READY, _UNREACHABLE})


def own_taints(node: Item) -> list[tuple[str, str]]:
    """Return the keys and effects of the taints that follow from the node's state."""
    wanted = []
    if node.spec.get("unschedulable"):
        wanted.append((_UNSCHEDULABLE, "NoSchedule"))
    ready = condition(node.body, "Ready")
    if ready and ready["status"] != "True":
        key = _NOT_READY if ready["status"] == "False" else _UNREACHABLE
        wanted += [(key, "NoSchedule"), (key, "NoExecute")]
    return wanted


class NodeLifecycle(Controller):
    """Keeps the taints that say that a node is cordoned or not ready."""

    name = "node-lifecycle"

    def watch(self) -> None:
        """Listen to nodes."""
        self.listen(_NODES, self._changed)

    def resync(self) -> None:
        """Look at every node."""
        for node in self.store[_NODES]:
            self._soon(node.key.name)

    def _changed(self, change: Change) -> None:
        if change.kind != "DELETED":
            self._soon(change.item.key.name)

    def _soon(self, name: str) -> None:
        self.later(name, self.timing.node_s, lambda: self._taint(name))

    def _taint(self, name: str) -> None:
        node = self.store[_NODES].get("", name)
        if node is None:
            return
        present: list[Json] = list(node.spec.get("taints") or ())
        wanted = own_taints(node)
        kept = [
            taint
            for taint in present
            if taint["key"] not in _OURS or (taint["key"], taint["effect"]) in wanted
        ]
        there = {(taint["key"], taint["effect"]) for taint in kept}
        since = stamp(self.store.clock())
        new = [
            {"key": key, "effect": effect, "timeAdded": since}
            for key, effect in wanted
            if (key, effect) not in there
        ]
        if new or kept != present:
            body = {**node.body, "spec": {**node.spec, "taints": kept + new}}
            self.rest.update(_NODES, node, body)


class TaintEviction(Controller):
    """Deletes pods that do not tolerate a NoExecute taint of their node, once they have to go."""

    name = "taint-eviction"

    def watch(self) -> None:
        """Listen to nodes, and to pods that get one."""
        self.listen(_NODES, self._node_changed)
        self.listen(_PODS, self._pod_changed)

    def resync(self) -> None:
        """Look at every node."""
        for node in self.store[_NODES]:
            self._look_at(node)

    def _node_changed(self, change: Change) -> None:
        before = change.previous.spec.get("taints") if change.previous else None
        if change.kind != "DELETED" and before != change.item.spec.get("taints"):
            self._look_at(change.item)

    def _pod_changed(self, change: Change) -> None:
        pod = change.item
        if change.kind == "DELETED":
            self.forget(pod.uid)
        elif change.previous is None or not change.previous.spec.get("nodeName"):
            node = self.store[_NODES].get("", pod.spec.get("nodeName", ""))
            if node:
                self._look_at_pod(node, pod)

    def _look_at(self, node: Item) -> None:
        for pod in self.store[_PODS].on_node(node.key.name):
            self._look_at_pod(node, pod)

    def _look_at_pod(self, node: Item, pod: Item) -> None:
        taints = [one for one in node.spec.get("taints") or () if one["effect"] == "NoExecute"]
        wait_s = min((_tolerated_s(pod, taint) for taint in taints), default=None)
        if wait_s is None or wait_s == float("inf"):
            self.forget(pod.uid)
        else:
            self.later(pod.uid, wait_s, lambda: self._delete(pod))

    def _delete(self, pod: Item) -> None:
        present = self.current(_PODS, pod)
        if present and not present.ending:
            self.rest.delete(_PODS, present)


def _tolerated_s(pod: Item, taint: Json) -> float:
    """Return for how many seconds the pod bears the taint."""
    seconds = [
        float(one.get("tolerationSeconds", "inf"))
        for one in pod.spec.get("tolerations") or ()
        if tolerates({"tolerations": [one]}, taint)
    ]
    return min(seconds, default=0.0)
