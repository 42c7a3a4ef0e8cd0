"""What a test does with a whole drainbot in one process: people ask, a cluster answers."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.models import (
    Decided,
    DrainRequest,
    NodeView,
    OperationView,
    Principal,
    QuestionView,
    Submitted,
)
from jobs.service import Service
from sandbox.cluster import Cluster, Entry
from tests.jobs.harness import ANA, BO, NAME, Worker, ended, until


@dataclass
class People:
    """Those who ask a worker of a cluster. They wait `patience` seconds for what must come."""

    worker: Worker
    service: Service
    patience: float = 60.0
    calls: Iterator[int] = field(default_factory=itertools.count)

    def submit(self, *names: str, by: Principal = ANA, **fields: Any) -> str:
        """Ask for a drain; returns the operation."""
        until(lambda: self.service.inventory(NAME).as_of, what="the inventory")
        request = DrainRequest(cluster=NAME, nodes=names, channel="C01", **fields)
        answer = self.service.submit(by, request, dedup=f"d{next(self.calls)}")
        assert isinstance(answer, Submitted), answer
        return answer.operation

    def give_back(self, node: str, *, by: Principal = ANA) -> OperationView:
        """Uncordon a node and wait for the end."""
        answer = self.service.uncordon(by, NAME, node, channel="C01", dedup=f"d{next(self.calls)}")
        assert isinstance(answer, Submitted), answer
        return self.finish(answer.operation)

    def view(self, operation: str) -> OperationView:
        view = self.service.operation(operation)
        assert view is not None
        return view

    def question(self, operation: str, *, after: Sequence[QuestionView] = ()) -> QuestionView:
        """Wait for an open question, another one than those that were asked before."""
        known = {asked.id for asked in after}

        def look() -> QuestionView | None:
            view = self.view(operation)
            if view.end is not None:
                raise AssertionError(f"it ended without a question: {view}")
            return next((q for q in view.open_questions if q.id not in known), None)

        return until(look, within=self.patience, what="a question")

    def decide(
        self, question: QuestionView, choice: str, *, by: Principal = BO, note: str = ""
    ) -> Decided:
        return self.service.decide(by, question.id, choice, note=note, nonce=f"n{next(self.calls)}")

    def abort(self, operation: str, reason: str = "enough") -> None:
        self.service.abort(ANA, operation, reason=reason, nonce=f"n{next(self.calls)}")

    def pause(self, operation: str) -> None:
        self.service.pause(ANA, operation, nonce=f"n{next(self.calls)}")

    def resume(self, operation: str) -> None:
        self.service.resume(ANA, operation, nonce=f"n{next(self.calls)}")

    def finish(self, operation: str) -> OperationView:
        return until(
            lambda: ended(self.service, operation),
            within=self.patience,
            what=f"the end of {operation}",
        )

    def node(self, operation: str, name: str = "node-1") -> NodeView:
        return next(node for node in self.view(operation).nodes if node.name == name)

    def suspended(self, operation: str, child: int = 1) -> bool:
        """Whether the drain of a node holds no slot."""
        record = self.worker.store.workflow(f"{operation}-{child}")
        return record is not None and record.state == "suspended"


class Story(People):
    """A simulated cluster, a worker of it, and the people who ask."""

    def __init__(self, cluster: Cluster, worker: Worker, service: Service) -> None:
        super().__init__(worker, service)
        self.cluster = cluster

    def pods_on(self, node: str = "node-1") -> list[str]:
        return [pod["metadata"]["name"] for pod in self.cluster.list("Pod", node=node)]

    def cordoned(self, node: str = "node-1") -> bool:
        found = self.cluster.get("Node", "", node)
        assert found is not None
        return bool(found["spec"].get("unschedulable"))

    def requests(self, resource: str, *, carried_out: bool | None = None) -> list[Entry]:
        """The changes that were asked for, such as `pods/eviction`."""
        return [
            entry
            for entry in self.cluster.requests()
            if entry.resource == resource and carried_out in {None, entry.carried_out}
        ]

    def evictions(self) -> list[Entry]:
        return self.requests("pods/eviction", carried_out=True)


def web(story: Story, replicas: int, *, elsewhere: int = 0, **fields: Any) -> None:
    """Put pods on node-1 that may move: all at once if there is another one on node-2."""
    on = [*["node-1"] * replicas, *["node-2"] * elsewhere]
    story.cluster.add_workload("Deployment", "shop", "web", replicas=len(on), on=on, **fields)


def block(story: Story, *, replicas: int = 1, namespace: str = "payments", app: str = "db") -> None:
    """Put pods on node-1, with one of theirs elsewhere, under a budget that needs them all."""
    cluster = story.cluster
    cluster.add_workload(
        "StatefulSet", namespace, app, replicas=replicas + 1, parallel=True,
        on=[*["node-1"] * replicas, "node-2"],
    )  # fmt: skip
    cluster.add_budget(namespace, app, min_available=replicas + 1, match_labels={"app": app})
    counted(story, namespace, app, replicas + 1)


def counted(story: Story, namespace: str, budget: str, pods: int) -> None:
    """Wait until a budget has counted its pods."""
    story.cluster.wait_for(
        lambda view: (
            (view.get("PodDisruptionBudget", namespace, budget) or {})
            .get("status", {})
            .get("expectedPods")
            == pods
        )
    )


def hold(story: Story) -> None:
    """Put a pod on node-1 that must wait until another one, elsewhere, is ready again."""
    cluster = story.cluster
    cluster.add_workload("StatefulSet", "payments", "db", replicas=2, on=["node-1", "node-2"])
    cluster.add_budget("payments", "db", min_available=1, match_labels={"app": "db"})
    counted(story, "payments", "db", 2)
    cluster.set_ready("payments", "db-1", ready=False)
    allowed(story, "payments", "db", 0)


def let_go(story: Story) -> None:
    """End what :func:`hold` began."""
    story.cluster.set_ready("payments", "db-1", ready=True)


def allowed(story: Story, namespace: str, budget: str, disruptions: int) -> None:
    """Wait until a budget allows that many disruptions."""
    story.cluster.wait_for(
        lambda view: (
            (view.get("PodDisruptionBudget", namespace, budget) or {})
            .get("status", {})
            .get("disruptionsAllowed")
            == disruptions
        )
    )
