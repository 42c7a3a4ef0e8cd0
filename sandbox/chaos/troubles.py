"""Carries out what befalls a run: faults and changes of the world, and their ends."""

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from sandbox.chaos.happenings import (
    ApiErrors,
    Budget,
    ByHand,
    Cut,
    Fault,
    Forget,
    Kill,
    LostReplies,
    NewPod,
    RedisDies,
    Silent,
    SlackErrors,
    Slow,
    Still,
    World,
)
from sandbox.chaos.people import picked
from sandbox.chaos.scene import NAMESPACE, closed, opened
from sandbox.chaos.stage import Stage
from sandbox.cluster import ApiError
from sandbox.slack import Fault as SlackFault

__all__ = ["Troubles"]

OWNER = "drainbot.dev/operation"
_API = "/(api|apis)/"


@dataclass
class Troubles:
    """What is wrong now, and when it will be well again.

    `held` are times (seconds since the epoch) in which requests of workers may have been late:
    what they had sent before arrives after.
    """

    stage: Stage
    note: Callable[[str], None]
    held: list[tuple[float, float]] = field(default_factory=list)
    _ends: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def befall(self, what: Fault | World) -> None:
        """Let it happen; what it does for a while ends by :meth:`look`."""
        match what:
            case Kill():
                self.note(f"    ({self.stage.crew.kill(what.role, what.host)})")
            case Still():
                self._stand_still(what)
            case RedisDies():
                self._kill_redis(what.seconds)
            case Forget():
                self._forget()
            case ApiErrors():
                self.stage.cluster.answer_next(
                    what.status, times=what.times, when=what.when, path=_API,
                    headers={"Retry-After": "1"}, body=_status(what.status),
                )  # fmt: skip
            case SlackErrors():
                fault = SlackFault(
                    method=what.method, kind=what.kind, times=what.times, when=what.when
                )
                self.stage.slack.fault(fault)
            case Budget() | NewPod() | ByHand():
                self._change(what)
            case _:
                self._harm(what)

    def look(self) -> None:
        """End what is over."""
        while self._ends and self._ends[0][0] <= time.monotonic():
            heapq.heappop(self._ends)[2]()

    def heal(self) -> None:
        """End everything at once, and let no more go wrong."""
        while self._ends:
            heapq.heappop(self._ends)[2]()
        self.stage.crew.go_on(tuple(self.stage.crew.standing))
        self.stage.wires.heal_all()
        self.stage.cluster.clear_faults()
        self.stage.slack.clear_faults()
        for budget in self.stage.plan.cast.budgets:
            self._change(Budget(budget, open=True))

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        entry = (time.monotonic() + seconds, next(self._numbers), work)
        heapq.heappush(self._ends, entry)

    def _stand_still(self, what: Still) -> None:
        pids = self.stage.crew.stop(what.role, what.host)
        if what.role in {"slot", "worker"}:
            self._hold(what.seconds)
        self._later(what.seconds, lambda: self.stage.crew.go_on(pids))

    def _kill_redis(self, seconds: float) -> None:
        server = self.stage.server
        if not server.alive():
            return
        server.kill()

        def back() -> None:
            server.restart()
            self.note("    (Redis is back)")

        self._later(seconds, back)

    def _forget(self) -> None:
        try:
            self.stage.redis.script_flush()
        except RedisError:
            self.note("    (Redis is away)")

    def _harm(self, what: Cut | Slow | Silent | LostReplies) -> None:
        wires = self.stage.wires
        if isinstance(what, LostReplies):
            wires.lose(what.wire, what.times)
            return
        if isinstance(what, Cut):
            wires.cut(what.wire, again=what.seconds > 0)
        elif isinstance(what, Slow):
            wires.slow(what.wire, what.delay)
        else:
            wires.silence(what.wire)
        if what.wire.endswith(":cluster") and not isinstance(what, Cut):
            self._hold(what.seconds)
        self._later(what.seconds, lambda: wires.heal(what.wire))

    def _hold(self, seconds: float) -> None:
        self.held.append((time.time(), time.time() + seconds))

    def _change(self, what: World) -> None:
        try:
            if isinstance(what, Budget):
                patch = opened(what.name) if what.open else closed(what.name)
                self.stage.cluster.patch("PodDisruptionBudget", NAMESPACE, what.name, patch)
            elif isinstance(what, NewPod):
                self._start_pod(what)
            else:
                self._uncordon(what)
        except ApiError as error:
            self.note(f"    (not done: {error})")

    def _start_pod(self, what: NewPod) -> None:
        nodes = [
            node
            for node in self.stage.cluster.list("Node")
            if not node["spec"].get("unschedulable")
        ]
        node = picked(nodes, what.pick)
        if node is not None:
            self.stage.cluster.add_workload(
                "Pod", NAMESPACE, what.name, on=[node["metadata"]["name"]], stop_after=0.2, grace=5
            )

    def _uncordon(self, what: ByHand) -> None:
        nodes = [
            node
            for node in self.stage.cluster.list("Node")
            if OWNER in (node["metadata"].get("annotations") or {})
            and node["spec"].get("unschedulable")
        ]
        node = picked(nodes, what.pick)
        if node is not None:
            name = node["metadata"]["name"]
            self.note(f"    ({name})")
            self.stage.cluster.patch("Node", "", name, {"spec": {"unschedulable": None}})


def _status(code: int) -> dict[str, object]:
    reasons = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "chaos", "reason": reasons[code], "code": code,
        "details": {"retryAfterSeconds": 1},
    }  # fmt: skip
