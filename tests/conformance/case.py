"""What a case has in its hands: a namespace, nodes, a worker whose requests are seen, people."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from jobs.models import DrainOptions, NodeView, OperationView, QuestionView
from tests.conformance.api import Json, Objects
from tests.conformance.ground import Ground
from tests.conformance.tap import Tap
from tests.jobs.story import People


def not_checked(because: str) -> NoReturn:
    """Say why a case can't be checked on this cluster; the run lists it at its end."""
    pytest.skip(f"not checked on this cluster: {because}")


@dataclass
class Case:
    """One case on a ground. `a` is the node that is drained; what has to go may go to the others.

    Pods are named by their workload; `ns` is the case's own namespace.
    """

    ground: Ground
    tap: Tap
    people: People
    ns: str

    @property
    def objects(self) -> Objects:
        return self.ground.objects

    @property
    def a(self) -> str:
        return self.ground.nodes[0]

    @property
    def b(self) -> str:
        return self.ground.nodes[1]

    @property
    def c(self) -> str:
        return self.ground.nodes[2]

    # -- what is there -----------------------------------------------------------------------

    def replicas(self, name: str = "web", count: int = 2, **traits: Any) -> list[Json]:
        """Pods of a ReplicaSet on node a."""
        return self.ground.workload("ReplicaSet", self.ns, name, [self.a] * count, **traits)

    def bare(self, name: str = "bare", **traits: Any) -> Json:
        return self.ground.bare(self.ns, name, self.a, **traits)

    def pair(self, name: str = "db", **traits: Any) -> list[Json]:
        """A StatefulSet with its first pod on node a, the second elsewhere."""
        return self.ground.workload("StatefulSet", self.ns, name, [self.a, self.b], **traits)

    def block(self, name: str = "db") -> Json:
        """A pod on node a whose budget can never be met; returns the pod."""
        pod, _ = self.pair(name)
        self.ground.budget(self.ns, name, name, minAvailable=2)
        return pod

    def hold(self, name: str = "db") -> tuple[Json, Json]:
        """A pod on node a that must wait until the other, which is unready, is ready again."""
        held, other = self.pair(name, gated=True)
        self.ground.budget(self.ns, name, name, minAvailable=1)
        self.ground.set_ready(other, ready=False)
        self.allows(name, 0)
        return held, other

    def allows(self, budget: str, disruptions: int) -> None:
        """Wait until a budget allows that many."""
        self.ground.counted(
            self.ns, budget, lambda status: status.get("disruptionsAllowed", 0) == disruptions
        )

    def left(self) -> list[str]:
        """What is still on node a, of the case's own."""
        return self.ground.here(self.ns, self.a)

    # -- what is done ------------------------------------------------------------------------

    def drain(self, *nodes: str, **options: Any) -> str:
        """Ask for a drain of node a, or of those that are named; returns the operation."""
        return self.people.submit(*(nodes or (self.a,)), options=DrainOptions(**options))

    def drained(self, **options: Any) -> OperationView:
        """Drain node a to the end."""
        return self.people.finish(self.drain(**options))

    def question(self, operation: str, *after: QuestionView) -> QuestionView:
        return self.people.question(operation, after=after)

    def node(self, operation: str) -> NodeView:
        return self.people.node(operation, self.a)

    def until(self, look: Callable[[], Any], what: str) -> Any:
        return self.ground.until(look, what)

    def evicted(self) -> list[str]:
        """Names of the pods whose eviction was accepted, without the namespace."""
        sent = (one for one in self.tap.evictions() if one.status == 201)
        return sorted(one.pod.partition("/")[2] for one in sent)
