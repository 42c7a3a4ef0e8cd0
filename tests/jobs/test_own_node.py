"""A worker that drains the node it runs on: it is evicted itself, and another one finishes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.models import OperationEnd
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting, runs

PODS = 12


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=PODS, on=["node-1"] * PODS)
        cluster.add_workload(
            "Deployment", "drainbot", "worker", replicas=2, on=["node-1", "node-2"], grace=30
        )
        cluster.set_timing(stop_s=0.5)
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    policy = policy_with({"evictions_per_second": 4.0})
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        yield hosts


def own_pod(cluster: Cluster) -> str:
    """The uid of the worker's pod on node-1."""
    (found,) = [
        pod["metadata"]["uid"] for pod in cluster.list("Pod", namespace="drainbot", node="node-1")
    ]
    return str(found)


def test_a_worker_that_drains_the_node_it_runs_on_finishes_from_elsewhere(
    hosts: Hosts, cluster: Cluster
) -> None:
    before = {pod["metadata"]["uid"] for pod in cluster.list("Pod", node="node-1")}
    mine = own_pod(cluster)
    workers = [hosts.start(), hosts.start()]  # its pods on node-1 and node-2
    operation = hosts.submit("node-1")
    until(hosts.evictions, within=PATIENCE, what="the drain's beginning")
    at_work = hosts.slot_of(operation)
    (on_node_1,) = [worker for worker in workers if at_work in hosts.children(worker)]

    def evicted() -> bool:
        sent = [e.uid_precondition for e in hosts.evictions() if e.carried_out]
        return mine in sent

    until(evicted, within=PATIENCE, what="the eviction of the worker's own pod")
    children = hosts.children(on_node_1)
    assert len(hosts.evictions()) < len(before)  # the rest is for another
    on_node_1.signal(signal.SIGTERM)  # as its kubelet does then
    assert on_node_1.wait(within_s=PATIENCE) == 0
    assert not any(runs(pid) for pid in children)

    view = hosts.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    accepted = [e.uid_precondition for e in hosts.evictions() if e.carried_out]
    assert set(accepted) == before
    assert len(accepted) <= len(before) + 1  # one whose answer nobody was there to hear
    assert cluster.list("Pod", node="node-1") == []
    told = [entry.what for entry in view.log]
    assert told.count("cordoned") == told.count("drained") == 1
    hosts.give_back("node-1")
    assert not hosts.cordoned("node-1")
