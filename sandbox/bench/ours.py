"""drainbot as a bench times it: a real worker over a real Redis, asked through the client."""

import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from redis import Redis

from jobs.models import DrainRequest, NodeStatus, OperationState, OperationView, Principal, Refused
from jobs.policy import load_policy
from jobs.service import Service, open_client
from sandbox.bench.arena import Arena
from sandbox.bench.figures import tell
from sandbox.demo.stage import CLUSTER, POLICY, standing
from sandbox.processes import Process

_LIMIT = 300.0  # seconds until a drain, or a start, counts as failed
_LOOK_EVERY = 0.05  # seconds between two looks at what makes no event: the inventory
_ANA = Principal(team="T0SANDBOX", user="U0ANA")
_LEASE = 3.0  # seconds, a worker's default
_NO_LIMIT = 10_000  # evictions a second: the most that a policy can say


@dataclass(frozen=True)
class Took:
    """What one run took."""

    seconds: float
    requests: int


@dataclass
class Ours:
    """A worker that has the cluster of an arena, and the client."""

    arena: Arena
    client: Service
    worker: Process
    redis: Redis

    def drain(self, nodes: Sequence[str]) -> Took:
        """Drain nodes in one operation; returns the time and all that was asked of the API.

        From before it is submitted until the client's view shows every node as drained, which
        drainbot says only after it has looked at node and pods once more. Planning, reserving and
        cordoning are in it. The operation's own end is waited for, and not timed.
        """
        self._known(nodes)
        self._forget()
        before = self.arena.asked()
        cursor = self._cursor("$", wait=0)
        began = time.monotonic()
        request = DrainRequest(cluster=CLUSTER, nodes=tuple(nodes), channel="C0OPS")
        answer = self.client.submit(_ANA, request, dedup=uuid.uuid4().hex)
        if isinstance(answer, Refused):
            words = f"the bench's drain was refused: {answer.reason}"
            raise RuntimeError(words)  # noqa: TRY004  an answer, not a mistake in a type
        took = 0.0
        while time.monotonic() - began < _LIMIT:
            cursor = self._cursor(cursor, wait=1.0)
            view = self.client.operation(answer.operation)
            if view is None:
                continue
            if not took and _drained(view, nodes):
                took = time.monotonic() - began
            if view.state is OperationState.ENDED:
                if not took:
                    raise RuntimeError(f"the bench's drain ended as {view.end}: {view.detail}")
                return Took(took, self.arena.asked() - before)
        raise RuntimeError("the bench's drain takes too long")

    def _cursor(self, cursor: str, *, wait: float) -> str:
        """Wait until something changed; returns from where on to wait next."""
        changes = self.client.changes({CLUSTER: cursor}, wait=wait)
        return changes[-1].cursor if changes else cursor

    def _forget(self) -> None:
        """Forget who was evicted in the cluster before this one, whose workloads had these names.

        For some seconds drainbot counts them as gone from a workload that it reads anew: the next
        drain would look at all pods before it evicts the first.
        """
        for quota in self.redis.scan_iter(f"drainbot:{CLUSTER}:quota:*"):
            self.redis.delete(quota)

    def _known(self, nodes: Sequence[str]) -> None:
        """Wait until the watcher has seen these nodes as they are since the reset."""
        uids = {node: self.arena.uid(node) for node in nodes}
        end = time.monotonic() + _LIMIT
        while time.monotonic() < end:
            inventory = self.client.inventory(CLUSTER)
            if {node.name: node.uid for node in inventory.nodes if node.name in uids} == uids:
                return
            time.sleep(_LOOK_EVERY)
        raise RuntimeError("the watcher never saw the bench's nodes")


def _drained(view: OperationView, nodes: Sequence[str]) -> bool:
    drained = [node.name for node in view.nodes if node.status is NodeStatus.DRAINED]
    if any(view.open_questions):
        raise RuntimeError(f"the bench's drain asks: {view.open_questions[0]}")
    return len(drained) == len(nodes)


@contextmanager
def ours(arena: Arena, *, slots: int, nodes_away: int) -> Iterator[Ours]:
    """Run a Redis (synced on each write) and a worker for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="drainbot-") as directory:
        policy, guardrails = Path(directory) / "policy.yaml", Path(directory) / "guardrails.yaml"
        rules = yaml.safe_load(POLICY.read_text())
        for rule in rules["rules"]:
            rule["max_nodes"] = _NO_LIMIT
        rules["defaults"] = {"nodes_away": nodes_away, "evictions_per_second": _NO_LIMIT}
        policy.write_text(yaml.safe_dump(rules))
        limits = {"max_nodes_away": _NO_LIMIT, "max_evictions_per_second": _NO_LIMIT}
        guardrails.write_text(yaml.safe_dump(limits))
        settings = {"policy": policy, "guardrails": guardrails, "lease_seconds": _LEASE}
        with standing(arena.kubeconfig, tell, **settings) as stage:
            worker = stage.start_worker(slots=slots)
            client = open_client(stage.redis.url, load_policy(policy), timeout=5)
            with Redis.from_url(stage.redis.url) as state:
                yield Ours(arena, client, worker, state)
