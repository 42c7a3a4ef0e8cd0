"""Real workers over a simulated cluster: processes that can be stopped, continued and killed."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from redis import Redis

from jobs.durable import Store
from jobs.durable.connection import PATIENT
from jobs.models import DrainRequest, OperationView, Submitted
from jobs.policy import Policy
from jobs.service import Service
from sandbox.cluster import Cluster, Entry
from sandbox.processes import Process, Processes
from tests.jobs.durable.processes import ROOT, runs
from tests.jobs.harness import ANA, NAME, ended, until

PATIENCE = 60.0  # seconds: far more than anything here takes, also on a busy machine


@dataclass
class Hosts:
    """Workers of one cluster, and one who asks them for a drain."""

    url: str
    redis: "Redis"
    cluster: Cluster
    kubeconfig: str
    service: Service
    processes: Processes
    stopped: list[int] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.redis, NAME)

    def start(
        self, *, slots: int = 1, lease: float = 3, patience: int = PATIENT, node: str = ""
    ) -> Process:
        """Start a worker, on a node if one is named; returns when its children run."""
        module = "tests.jobs.worker_process"
        arguments = [self.url, self.kubeconfig, f"{lease:g}", str(slots), str(patience), node]
        worker = self.processes.start(
            [sys.executable, "-m", module, *arguments], name="worker", cwd=ROOT
        )
        # Its slots, the keeper and the watcher; and what follows its node.
        roles = slots + 2 + bool(node)
        until(lambda: len(self.children(worker)) == roles, within=PATIENCE, what="a worker")
        return worker

    def children(self, worker: Process) -> list[int]:
        return [child.pid for child in psutil.Process(worker.pid).children(recursive=True)]

    def submit(self, *names: str, dedup: str = "") -> str:
        until(lambda: self.service.inventory(NAME).as_of, within=PATIENCE, what="the inventory")
        request = DrainRequest(cluster=NAME, nodes=names, channel="C01")
        answer = self.service.submit(ANA, request, dedup=f"d-{names}{dedup}")
        assert isinstance(answer, Submitted), answer
        return answer.operation

    def finish(self, operation: str) -> OperationView:
        return until(
            lambda: ended(self.service, operation), within=PATIENCE, what=f"the end of {operation}"
        )

    def give_back(self, node: str) -> OperationView:
        answer = self.service.uncordon(ANA, NAME, node, channel="C01", dedup=f"back-{node}")
        assert isinstance(answer, Submitted), answer
        return self.finish(answer.operation)

    def slot_of(self, operation: str) -> int:
        """The process that drains the operation's first node."""
        record = self.store.workflow(f"{operation}-1")
        assert record is not None
        return int(record.owner.rsplit("-", 2)[1])

    def lease_of(self, operation: str) -> int:
        """When the lease of the drain's activation lapses, if nobody renews it (ms)."""
        return int(str(self.redis.hget(f"{self.store.prefix}wf:{operation}-1", "lease")))

    def evictions(self) -> list[Entry]:
        return [e for e in self.cluster.requests() if e.resource == "pods/eviction"]

    def cordoned(self, node: str) -> bool:
        found = self.cluster.get("Node", "", node)
        assert found is not None
        return bool(found["spec"].get("unschedulable"))

    def stop(self, *pids: int) -> None:
        """Have processes stand still, as on a machine that is paused."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            self.stopped.append(pid)
        until(lambda: all(psutil.Process(pid).status() == "stopped" for pid in pids))

    def go_on(self) -> None:
        """Let all that stand still go on."""
        while self.stopped:
            os.kill(self.stopped.pop(), signal.SIGCONT)


@contextmanager
def hosting(url: str, cluster: Cluster, kubeconfig: Path, policy: Policy) -> Iterator[Hosts]:
    with Redis.from_url(url, decode_responses=True) as redis, Processes() as processes:
        hosts = Hosts(
            url, redis, cluster, str(cluster.kubeconfig(kubeconfig)), Service(redis, policy),
            processes,
        )  # fmt: skip
        try:
            yield hosts
        finally:
            hosts.go_on()


__all__ = ["Hosts", "hosting", "runs"]
