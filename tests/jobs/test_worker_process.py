"""Real workers that are killed or told to end in the middle of a drain."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.models import AuditReport, OperationEnd
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import ANA, NAME, policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting, runs

PODS = 12


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=PODS, on=["node-1"] * PODS)
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    policy = policy_with({"evictions_per_second": 4.0})
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        yield hosts


def pods(cluster: Cluster) -> set[str]:
    return {pod["metadata"]["uid"] for pod in cluster.list("Pod", node="node-1")}


def begun(hosts: Hosts) -> str:
    """Begin a drain; returns when it is in the middle, and has said so."""
    operation = hosts.submit("node-1")

    def in_the_middle() -> bool:
        view = hosts.service.operation(operation)
        shown = view is not None and view.nodes[0].pods_total == PODS
        return shown and 2 <= len(hosts.evictions()) < PODS

    until(in_the_middle, within=PATIENCE, what="a drain in its middle")
    return operation


def drained_once(hosts: Hosts, operation: str, before: set[str]) -> None:
    """Each pod that was there was evicted under its own uid, and accepted once."""
    view = hosts.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    accepted = [e.uid_precondition for e in hosts.evictions() if e.carried_out]
    assert set(accepted) == before
    # An answer that died with its process may be asked for once more.
    assert len(accepted) <= len(before) + 1
    assert pods(hosts.cluster) == set()
    assert view.nodes[0].pods_gone == PODS


def linked(hosts: Hosts) -> bool:
    """Whether the audit log is whole, and linked to its end."""
    report = hosts.service.histories.verify(ANA, NAME)
    assert isinstance(report, AuditReport)
    assert report.findings == ()
    return report.written > 0 and report.waiting == 0


def test_another_worker_ends_what_a_killed_supervisor_left_behind(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first = hosts.start()
    operation = begun(hosts)
    children = hosts.children(first)
    hosts.start()
    first.signal(signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in children), within=PATIENCE, what="their end")
    drained_once(hosts, operation, before)
    until(lambda: linked(hosts), within=PATIENCE, what="an audit log that is linked to its end")


def test_a_worker_that_is_started_again_ends_what_it_had_begun(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first = hosts.start()
    operation = begun(hosts)
    children = hosts.children(first)
    first.signal(signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in children), within=PATIENCE, what="their end")
    hosts.start()
    drained_once(hosts, operation, before)


def test_a_worker_that_is_told_to_end_hands_a_drain_over_at_once(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = pods(cluster)
    first = hosts.start()
    operation = begun(hosts)
    children = hosts.children(first)
    hosts.start()
    first.signal(signal.SIGTERM)
    assert first.wait(within_s=PATIENCE) == 0
    assert not any(runs(pid) for pid in children)
    drained_once(hosts, operation, before)
