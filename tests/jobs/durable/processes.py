"""Real workers for tests: started, waited for, looked at."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import psutil

from jobs.durable import Store
from sandbox.processes import Process, Processes

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds: far more than anything here takes, also on a busy machine


def until(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Return when the condition holds; fail when it still does not after `within` seconds."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "what the test waits for did not happen"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process does anything any more. Where nobody reaps orphans they stay zombies."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@dataclass
class Workers:
    """Workers on one Redis, and what they do outside."""

    url: str
    store: Store
    processes: Processes
    stopped: list[int] = field(default_factory=list)

    def start(self, *, slots: int = 2, keepers: int = 1, lease: float = 3) -> Process:
        """Start a worker; returns when its children run."""
        arguments = [self.url, f"{lease:g}", str(slots), str(keepers)]
        module = "tests.jobs.durable.worker"
        worker = self.processes.start(
            [sys.executable, "-m", module, *arguments], name="worker", cwd=ROOT
        )
        until(lambda: len(self.children(worker)) == slots + keepers)
        return worker

    def children(self, worker: Process) -> list[int]:
        """The processes that a supervisor has forked."""
        return [child.pid for child in psutil.Process(worker.pid).children(recursive=True)]

    def run(self, name: str, input: object = None, *, id: str = "op-1") -> None:
        self.store.start(id, name, input, dedup=id)

    def slot_of(self, id: str = "op-1") -> int:
        """The process that runs a workflow."""
        record = self.store.workflow(id)
        assert record is not None
        return int(record.owner.rsplit("-", 2)[1])

    def outside(self, list_name: str = "outside") -> list[str]:
        """What was done outside, in order."""
        return cast("list[str]", self.store.redis.lrange(list_name, 0, -1))

    def say(self, word: str) -> None:
        """Set a key for which workflows look."""
        self.store.redis.set(word, "1")

    def state(self, id: str = "op-1") -> str:
        record = self.store.workflow(id)
        assert record is not None
        return record.state

    def result(self, id: str = "op-1") -> object:
        """Wait for a workflow's end and return its result."""
        until(lambda: self.state(id) in {"done", "failed", "aborted", "stuck"})
        record = self.store.workflow(id)
        assert record is not None
        return record.result

    def stop(self, pid: int) -> None:
        """Have a process stand still."""
        os.kill(pid, signal.SIGSTOP)
        self.stopped.append(pid)

    def go_on(self, pid: int) -> None:
        """Let a process that stands still go on."""
        self.stopped.remove(pid)
        os.kill(pid, signal.SIGCONT)
