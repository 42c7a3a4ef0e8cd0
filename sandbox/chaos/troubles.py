"""Carries out what befalls a run, and ends what lasts for a while."""

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from sandbox.chaos.happenings import (
    ApiErrors,
    Budget,
    Cut,
    Fault,
    Forget,
    Kill,
    LostReplies,
    RedisDies,
    RedisStalls,
    Silent,
    SlackErrors,
    Slow,
    Still,
    Term,
    Watches,
    World,
)
from sandbox.chaos.stage import Stage
from sandbox.chaos.world import change
from sandbox.slack import Fault as SlackFault

__all__ = ["Troubles"]

_API = "/(api|apis)/"
_REASONS = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


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
            case Kill() | Term() | Still():
                self._to_processes(what)
            case RedisDies() | RedisStalls() | Forget():
                self._to_redis(what)
            case Cut() | Slow() | Silent() | LostReplies():
                self._to_wires(what)
            case ApiErrors() | Watches() | SlackErrors():
                self._to_servers(what)
            case _:
                change(self.stage.cluster, what, later=self._later, note=self.note)

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
            self.befall(Budget(budget, open=True))

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        entry = (time.monotonic() + seconds, next(self._numbers), work)
        heapq.heappush(self._ends, entry)

    def _hold(self, seconds: float) -> None:
        self.held.append((time.time(), time.time() + seconds))

    def _to_processes(self, what: Kill | Term | Still) -> None:
        crew = self.stage.crew
        if isinstance(what, Kill):
            self.note(f"    ({crew.kill(what.role, what.host)})")
        elif isinstance(what, Term):
            crew.tell_to_end(what.role, what.host)
        else:
            pids = crew.stop(what.role, what.host)
            self.note(f"    ({', '.join(map(str, pids)) or 'nobody'})")
            if what.role in {"slot", "worker"}:
                self._hold(what.seconds)
            self._later(what.seconds, lambda: crew.go_on(pids))

    def _to_redis(self, what: RedisDies | RedisStalls | Forget) -> None:
        server = self.stage.server
        if isinstance(what, Forget):
            try:
                self.stage.redis.script_flush()
            except RedisError:
                self.note("    (Redis is away)")
        elif not server.alive():
            self.note("    (it is away already)")
        elif isinstance(what, RedisStalls):
            server.freeze()
            self._later(what.seconds, server.thaw)
        else:
            server.kill()
            self._later(what.seconds, self._restart_redis)

    def _restart_redis(self) -> None:
        self.stage.server.restart()
        self.note("    (Redis is back)")

    def _to_wires(self, what: Cut | Slow | Silent | LostReplies) -> None:
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

    def _to_servers(self, what: ApiErrors | Watches | SlackErrors) -> None:
        cluster = self.stage.cluster
        if isinstance(what, ApiErrors):
            cluster.answer_next(
                what.status, times=what.times, when=what.when, path=_API,
                headers={"Retry-After": "1"}, body=_status(what.status),
            )  # fmt: skip
        elif isinstance(what, Watches):
            cluster.close_watches()
            if what.forget:
                cluster.forget_history()
        else:
            fault = SlackFault(method=what.method, kind=what.kind, times=what.times, when=what.when)
            self.stage.slack.fault(fault)


def _status(code: int) -> dict[str, object]:
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "chaos", "reason": _REASONS[code], "code": code,
        "details": {"retryAfterSeconds": 1},
    }  # fmt: skip
