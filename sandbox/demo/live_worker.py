"""The worker of the live demo: killed on demand, started again, and its take-over timed."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from jobs.durable import Store
from sandbox.demo.narrator import Said
from sandbox.demo.stage import START_LIMIT, Stage
from sandbox.processes import ChildFailedError, Process

__all__ = ["PAUSE", "Shift", "failure"]

PAUSE = 1.5  # seconds from the death of a worker to the start of the next one
_TAKEOVER_LIMIT = 30.0  # seconds after which nobody seems to go on


def failure(process: Process, what: str) -> ChildFailedError:
    """Return the error that says what is wrong with a program, and what it said last."""
    said = "\n".join(process.lines()[-20:])
    return ChildFailedError(f"{process.name} {what}. Its last output:\n{said}")


@dataclass
class _Takeover:
    """A worker was killed at `killed` while its slots ran these workflows, each in its epoch."""

    killed: float
    epochs: dict[str, int]
    next: Process | None = None
    up: bool = False


@dataclass
class Shift:
    """Sees to it that there is always a worker. To be looked at often, by one thread."""

    stage: Stage
    store: Store
    slots: int = 3
    clock: Callable[[], float] = time.monotonic
    _takeover: _Takeover | None = field(default=None)

    def kill(self) -> list[Said]:
        """Kill the supervisor with SIGKILL; its slots die with it."""
        if self._takeover is not None:
            return [Said("demo", "the worker is down already; the next one comes")]
        worker = self.stage.workers[-1]
        epochs = self._at_work()
        worker.signal(signal.SIGKILL)
        self._takeover = _Takeover(self.clock(), epochs)
        words = f"{worker.name} (pid {worker.pid}) was killed with SIGKILL"
        return [Said("demo", f"{words}, the next one starts in {PAUSE:g} s")]

    def look(self) -> list[Said]:
        """Start the next worker when it is time, and say when it has taken over.

        Raises :class:`sandbox.processes.ChildFailedError` for a worker that ended by itself.
        """
        over = self._takeover
        if over is None:
            self._still_there()
            return []
        since = self.clock() - over.killed
        if over.next is None:
            if since >= PAUSE:
                self.stage.workers[-1].kill()  # what is left of the group, and of the process
                over.next = self.stage.launch_worker(slots=self.slots)
            return []
        if not over.up:
            return self._coming_up(over, over.next, since)
        return self._taken_over(over, since)

    def _still_there(self) -> None:
        worker = self.stage.workers[-1]
        if not worker.alive():
            raise failure(worker, "has ended by itself")

    def _coming_up(self, over: _Takeover, worker: Process, since: float) -> list[Said]:
        if since > START_LIMIT or not worker.alive():
            raise failure(worker, "did not start")
        if not any("worker_started" in line for line in worker.lines()):
            return []
        over.up = True
        words = f"{worker.name} (pid {worker.pid}) is up, {since:.1f} s after the kill"
        if not over.epochs:
            self._takeover = None
            return [Said("demo", f"{words}; nothing was at work, so there is nothing to take over")]
        return [Said("demo", words)]

    def _taken_over(self, over: _Takeover, since: float) -> list[Said]:
        going_on = all(self._goes_on(id, epoch) for id, epoch in over.epochs.items())
        if not going_on and since < _TAKEOVER_LIMIT:
            return []
        self._takeover = None
        if not going_on:
            return [Said("demo", f"nobody has gone on after {since:.0f} s: see what it logs")]
        own = f"{PAUSE:g} s of it the demo's own pause"
        return [Said("demo", f"the work was taken over {since:.1f} s after the kill ({own})")]

    def _at_work(self) -> dict[str, int]:
        """Return the workflows that slots run now, and in which epoch."""
        found: dict[str, int] = {}
        ids = cast("list[str]", self.store.redis.zrange(f"{self.store.prefix}running", 0, -1))
        for id in ids:
            record = self.store.workflow(id)
            if record is not None:
                found[id] = record.epoch
        return found

    def _goes_on(self, id: str, epoch: int) -> bool:
        record = self.store.workflow(id)
        if record is None or record.final:
            return True
        return record.epoch > epoch and record.state != "ready"
