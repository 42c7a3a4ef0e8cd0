"""An operation from its request to its end: real Redis, a cluster over real HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from jobs.models import (
    DrainRequest,
    NodeStatus,
    OperationEnd,
    OperationView,
    Outcome,
    QuestionKind,
    QuestionView,
    Refused,
    Submitted,
    Verdict,
)
from jobs.service import Service
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import ANA, BO, EVE, NAME, Worker, ended, policy, resources, until, working


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2", "node-3")) as cluster:
        yield cluster


@pytest.fixture
def service(redis: "Redis") -> Service:
    return Service(redis, policy())


@pytest.fixture
def worker(redis: "Redis", cluster: Cluster, tmp_path: Path) -> Iterator[Worker]:
    kubeconfig = str(cluster.kubeconfig(tmp_path / "kubeconfig"))
    with working(Worker(redis, resources(redis, kubeconfig))) as worker:
        yield worker


def submit(service: Service, *names: str, **fields: Any) -> str:
    until(lambda: service.inventory(NAME).as_of, what="the inventory")
    request = DrainRequest(cluster=NAME, nodes=names, channel="C01", **fields)
    answer = service.submit(ANA, request, dedup=f"d-{names}")
    assert isinstance(answer, Submitted), answer
    return answer.operation


def question(service: Service, operation: str) -> QuestionView:
    def look() -> QuestionView | None:
        view = service.operation(operation)
        return view.open_questions[0] if view and view.open_questions else None

    return until(look, what="a question")


def finish(service: Service, operation: str) -> OperationView:
    return until(lambda: ended(service, operation), what=f"the end of {operation}")


def on(cluster: Cluster, node: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.list("Pod", node=node)]


def cordoned(cluster: Cluster, node: str) -> bool:
    found = cluster.get("Node", "", node)
    assert found is not None
    return bool(found["spec"].get("unschedulable"))


Block = Callable[[], None]


@pytest.fixture
def blocked(cluster: Cluster) -> None:
    cluster.add_workload("StatefulSet", "payments", "db", replicas=2, on=["node-1", "node-2"])
    cluster.add_budget("payments", "db", min_available=2, match_labels={"app": "db"})
    cluster.wait_for(
        lambda view: (
            (view.get("PodDisruptionBudget", "payments", "db") or {})
            .get("status", {})
            .get("expectedPods")
            == 2
        )
    )


@pytest.mark.usefixtures("worker")
def test_a_node_is_drained_without_trouble(service: Service, cluster: Cluster) -> None:
    cluster.add_workload("Deployment", "shop", "web", replicas=4, on=["node-1"] * 4)
    cluster.add_workload("DaemonSet", "kube-system", "agent")
    operation = submit(service, "node-1")
    view = finish(service, operation)
    assert view.end is OperationEnd.DRAINED, view.detail
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED]
    assert [name for name in on(cluster, "node-1") if not name.startswith("agent")] == []
    assert cordoned(cluster, "node-1")
    assert view.nodes[0].pods_gone == 4


@pytest.mark.usefixtures("worker", "blocked")
def test_a_budget_blocks_and_force_lets_exactly_that_pod_go(
    service: Service, cluster: Cluster
) -> None:
    operation = submit(service, "node-1")
    asked = question(service, operation)
    assert asked.kind is QuestionKind.BLOCK
    (block,) = asked.blocks
    assert (block.verdict, block.budgets[0].name) == (Verdict.NEVER, "db")
    uid = block.pod.uid
    assert service.decide(EVE, asked.id, "force", nonce="n0").outcome is Outcome.REFUSED
    assert (
        service.decide(BO, asked.id, "force", note="moved", nonce="n1").outcome is Outcome.SETTLED
    )
    assert service.decide(ANA, asked.id, "skip", nonce="n2").outcome is Outcome.ALREADY_SETTLED
    view = finish(service, operation)
    assert view.end is OperationEnd.DRAINED, view
    assert view.nodes[0].forced == (f"{block.pod.namespace}/{block.pod.name}",)
    deletes = [entry for entry in cluster.requests() if entry.method == "DELETE"]
    assert [entry.uid_precondition for entry in deletes] == [uid]


@pytest.mark.usefixtures("worker", "blocked")
def test_skip_leaves_the_pod_and_undoes_our_own_cordon(service: Service, cluster: Cluster) -> None:
    operation = submit(service, "node-1")
    asked = question(service, operation)
    service.decide(BO, asked.id, "skip", nonce="n1")
    view = finish(service, operation)
    assert (view.end, view.nodes[0].status) == (OperationEnd.PARTLY, NodeStatus.SKIPPED)
    assert not cordoned(cluster, "node-1")
    assert on(cluster, "node-1") == ["db-0"]


@pytest.mark.usefixtures("worker", "blocked")
def test_a_budget_that_frees_itself_closes_the_question_and_resumes_the_drain(
    service: Service, cluster: Cluster
) -> None:
    operation = submit(service, "node-1")
    asked = question(service, operation)
    cluster.scale("payments", "db", 3)
    view = finish(service, operation)
    assert view.end is OperationEnd.DRAINED
    closed = service.question(asked.id)
    assert closed is not None
    assert closed.closed_because == "no_longer_needed"
    assert service.decide(BO, asked.id, "force", nonce="late").outcome is Outcome.CLOSED


@pytest.mark.usefixtures("worker", "blocked")
def test_a_refused_retry_asks_again_in_the_same_message(service: Service) -> None:
    operation = submit(service, "node-1")
    first = question(service, operation)
    service.decide(BO, first.id, "retry", nonce="n1")

    def again() -> QuestionView | None:
        view = service.operation(operation)
        found = view.open_questions if view else ()
        return found[0] if found and found[0].id != first.id else None

    second = until(again)
    assert second.thread_key == first.thread_key
    service.abort(ANA, operation, reason="enough", nonce="n2")
    assert finish(service, operation).end is OperationEnd.ABORTED


@pytest.mark.usefixtures("worker", "blocked")
def test_abort_waits_for_nobody_and_evicts_nothing_more(service: Service, cluster: Cluster) -> None:
    operation = submit(service, "node-1")
    asked = question(service, operation)
    service.abort(ANA, operation, reason="wrong node", nonce="n1")
    view = finish(service, operation)
    assert (view.end, view.aborted_reason) == (OperationEnd.ABORTED, "wrong node")
    assert not cordoned(cluster, "node-1")
    closed = service.question(asked.id)
    assert closed is not None
    assert closed.closed_because == "aborted"


@pytest.mark.usefixtures("worker", "blocked")
def test_a_node_that_another_operation_has_is_refused_naming_the_taker(service: Service) -> None:
    first = submit(service, "node-1")
    question(service, first)
    request = DrainRequest(cluster="test", nodes=("node-1", "node-2"), channel="C01")
    second = service.submit(ANA, request, dedup="second")
    assert isinstance(second, Refused)
    assert second.takers == {"node-1": first}
    assert first[-6:].upper() in second.reason
    assert "node-2" not in second.reason
