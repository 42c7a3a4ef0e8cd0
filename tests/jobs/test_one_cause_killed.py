"""Real workers that are killed while one question is asked of several nodes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.models import OperationEnd, Outcome, QuestionView
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import BO, policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting, runs

NODES = ("node-1", "node-2")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes(*NODES, "node-3")) as cluster:
        cluster.add_workload(
            "StatefulSet", "payments", "db", replicas=2, parallel=True, on=list(NODES)
        )
        cluster.add_budget("payments", "db", min_available=2, match_labels={"app": "db"})
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    policy = policy_with({"nodes_away": 2})
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        yield hosts


def asked(hosts: Hosts, operation: str) -> QuestionView:
    def look() -> QuestionView | None:
        view = hosts.service.operation(operation)
        found = view.open_questions if view is not None else ()
        return next((each for each in found if set(each.nodes) == set(NODES)), None)

    return until(look, within=PATIENCE, what="one question about both nodes")


@pytest.mark.parametrize("choice", ["skip", "force"])
def test_what_was_answered_while_no_worker_lived_counts_for_all_of_them(
    hosts: Hosts, choice: str
) -> None:
    worker = hosts.start(slots=2)
    operation = hosts.submit(*NODES)
    question = asked(hosts, operation)
    children = hosts.children(worker)
    worker.signal(signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in children), within=PATIENCE, what="their end")
    decided = hosts.service.decide(BO, question.id, choice, note="moved", nonce="n1")
    assert decided.outcome is Outcome.SETTLED
    again = hosts.service.decide(BO, question.id, choice, note="moved", nonce="n2")
    assert again.outcome is Outcome.ALREADY_SETTLED
    hosts.start(slots=2)
    view = hosts.finish(operation)
    deleted = [e for e in hosts.cluster.requests() if e.resource == "pods" and e.carried_out]
    uids = {e.uid_precondition for e in deleted}
    if choice == "skip":
        assert uids == set()
        assert view.end is OperationEnd.PARTLY
        assert not any(hosts.cordoned(node) for node in NODES)
    else:
        assert uids == {pod.uid for pod in question.pods}
        assert view.end is OperationEnd.DRAINED
