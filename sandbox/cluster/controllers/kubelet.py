"""The kubelets of all nodes: they start pods, stop them, and let some finish.

The order of a pod's versions is that of the recording `watch-pod-life`: Pending, Running and Ready
in one step, then (an eviction's condition,) the deletion, the deletion with no grace left, the end.
"""

import asyncio

from sandbox.cluster.controllers.base import Controller, World
from sandbox.cluster.objects import Item, Json, set_condition, with_status
from sandbox.cluster.resources import resource
from sandbox.cluster.store import Change
from sandbox.cluster.times import stamp
from sandbox.cluster.timing import COMPLETE_AFTER, START_AFTER, TERMINATE_AFTER

__all__ = ["Kubelet", "finished", "with_readiness", "with_running"]

_PODS = resource("pods")
_NODES = resource("nodes")
_SUBNET = 250


def _seconds(pod: Item, annotation: str, default: float) -> float:
    try:
        return float(pod.annotations.get(annotation, default))
    except ValueError:
        return default


def _condition(kind: str, since: str, *, true: bool = True) -> Json:
    return {
        "type": kind,
        "status": "True" if true else "False",
        "lastProbeTime": None,
        "lastTransitionTime": since,
    }


def with_running(pod: Item, now: float, *, ready: bool, addresses: tuple[str, str]) -> Json:
    """Return the body of a pod that runs. ``addresses`` are its node's and its own."""
    since = stamp(now)
    host, own = addresses
    states = (("Initialized", True), ("Ready", ready), ("ContainersReady", ready))
    conditions = [_condition(kind, since, true=true) for kind, true in states]
    conditions.append(_condition("PodScheduled", since))
    return with_status(
        pod.body,
        phase="Running",
        conditions=conditions,
        hostIP=host,
        podIP=own,
        podIPs=[{"ip": own}],
        startTime=since,
        containerStatuses=[
            {
                "name": container["name"],
                "state": {"running": {"startedAt": since}},
                "lastState": {},
                "ready": ready,
                "restartCount": 0,
                "image": container["image"],
                "imageID": container["image"],
            }
            for container in pod.spec["containers"]
        ],
    )


def with_readiness(pod: Item, now: float, *, ready: bool) -> Json:
    """Return the body of a running pod that becomes ready, or no longer is."""
    body = pod.body
    for kind in ("Ready", "ContainersReady"):
        wanted = _condition(kind, stamp(now), true=ready)
        if not ready:
            wanted |= {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: "
                f"[{' '.join(one['name'] for one in pod.spec['containers'])}]",
            }
        body = set_condition(body, wanted)
    statuses = body["status"].get("containerStatuses") or ()
    return with_status(body, containerStatuses=[{**one, "ready": ready} for one in statuses])


def finished(pod: Item, now: float, *, phase: str) -> Json:
    """Return the body of a pod whose containers have ended: Succeeded or Failed."""
    ended = stamp(now)
    code = 0 if phase == "Succeeded" else 1
    reason = "Completed" if phase == "Succeeded" else "Error"
    body = with_readiness(pod, now, ready=False)
    statuses = [
        {
            **one,
            "state": {"terminated": {"exitCode": code, "reason": reason, "finishedAt": ended}},
        }
        for one in body["status"].get("containerStatuses") or ()
    ]
    return with_status(body, phase=phase, containerStatuses=statuses)


class Kubelet(Controller):
    """Starts, stops and finishes pods, but for those on nodes that are not ready."""

    name = "kubelet"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._addresses = 0
        self._ending_since: dict[str, float] = {}

    def watch(self) -> None:
        """Listen to pods, and to nodes that come back."""
        self.listen(_PODS, self._pod_changed)
        self.listen(_NODES, self._node_changed)

    def resync(self) -> None:
        """Look at every pod."""
        for pod in self.store[_PODS]:
            self._look(pod)

    def addresses(self, node: str) -> tuple[str, str]:
        """Return the address of a node and a new one for a pod on it."""
        self._addresses += 1
        number = sum(node.encode()) % _SUBNET if not node[-1:].isdigit() else _number(node)
        high, low = divmod(self._addresses, _SUBNET)
        return (
            f"10.2.{number // _SUBNET}.{number % _SUBNET}",
            f"10.1.{high % _SUBNET}.{low + 1}",
        )

    def _pod_changed(self, change: Change) -> None:
        if change.kind == "DELETED":
            self._ending_since.pop(change.item.uid, None)
            for what in ("start", "stop", "finish"):
                self.forget((what, change.item.uid))
        else:
            self._look(change.item)

    def _node_changed(self, change: Change) -> None:
        if change.kind == "MODIFIED" and change.previous and not change.previous.ready:
            for pod in self.store[_PODS].on_node(change.item.key.name):
                self._look(pod)

    def _look(self, pod: Item) -> None:
        uid, phase = pod.uid, pod.status.get("phase")
        if not self._is_up(pod):
            return
        if pod.ending:
            self.forget(("start", uid))
            self.later(("stop", uid), self._left_s(pod), lambda: self._stop(pod))
        elif phase == "Pending":
            wait_s = _seconds(pod, START_AFTER, self.timing.start_s)
            self.later(("start", uid), wait_s, lambda: self._start(pod))
        elif phase == "Running" and COMPLETE_AFTER in pod.annotations:
            wait_s = _seconds(pod, COMPLETE_AFTER, 0)
            self.later(("finish", uid), wait_s, lambda: self._finish(pod))

    def _is_up(self, pod: Item) -> bool:
        """Whether a kubelet is at work on the pod's node."""
        name = pod.spec.get("nodeName")
        node = self.store[_NODES].get("", name) if name else None
        return node is not None and node.ready

    def _left_s(self, pod: Item) -> float:
        """Return how long the pod may still take, at ordinary speed: its own time or its grace."""
        now = asyncio.get_running_loop().time()
        since = self._ending_since.setdefault(pod.uid, now)
        # The grace is promised in real seconds, whatever the speed.
        grace_s: float = pod.metadata.get("deletionGracePeriodSeconds", 0) * self.timing.speed
        own_s = _seconds(pod, TERMINATE_AFTER, self.timing.stop_s)
        return max(0.0, min(own_s, grace_s) - (now - since) * self.timing.speed)

    def _as_expected(self, pod: Item, phase: str) -> Item | None:
        """Return the pod as it is now, if nobody has moved it on in the meantime."""
        present = self.current(_PODS, pod)
        if present is None or present.ending or not self._is_up(present):
            return None
        return present if present.status.get("phase") == phase else None

    def _start(self, pod: Item) -> None:
        present = self._as_expected(pod, "Pending")
        if present:
            addresses = self.addresses(present.spec["nodeName"])
            now = self.store.clock()
            body = with_running(present, now, ready=True, addresses=addresses)
            self.store.replace(_PODS, present, body)

    def _stop(self, pod: Item) -> None:
        present = self.current(_PODS, pod)
        if present and self._is_up(present):
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": present.uid}}
            self.rest.delete(_PODS, present, options)

    def _finish(self, pod: Item) -> None:
        present = self._as_expected(pod, "Running")
        if present:
            body = finished(present, self.store.clock(), phase="Succeeded")
            self.store.replace(_PODS, present, body)


def _number(node: str) -> int:
    digits = node[len(node.rstrip("0123456789")) :]
    return int(digits) % (_SUBNET * _SUBNET)
