"""A real worker under the manifests' rights: its ClusterRole, its Redis user, and no more."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.models import DrainRequest, OperationEnd, OperationView, Principal, Submitted
from jobs.policy import parse_policy
from jobs.service import Service
from sandbox.cluster import Cluster, Rule, Scenario, User, running
from sandbox.cluster.scenario import Budget, Node, Workload
from sandbox.processes import Process
from tests.manifests.conftest import GuardedRedis, the

CLUSTER, TOKEN = "lab", "the-worker's-token"
ANA = Principal(team="T01DEMO", user="U01ANA")
POLICY = """
team: T01DEMO
clusters: {lab: {}}
rules: [{match: {}, request: [U01ANA], start: at_once, decide: [U01ANA]}]
"""
PATIENCE = 60.0  # seconds; it takes two or three


def scenario() -> Scenario:
    rules = the("ClusterRole", "drainbot-worker")["rules"]
    worker = User(
        name="system:serviceaccount:drainbot:drainbot-worker",
        rules=tuple(Rule.model_validate(rule) for rule in rules),
    )
    quick = {"start_after": 0.05, "stop_after": 0.05}
    return Scenario(
        name=CLUSTER,
        nodes=(Node(name="node-1"), Node(name="node-2")),
        workloads=(
            Workload(kind="Deployment", namespace="shop", name="web", replicas=4,
                     labels={"app": "web"}, on=("node-1",), **quick),
            Workload(kind="StatefulSet", namespace="shop", name="db", replicas=2,
                     labels={"app": "db"}, on=("node-1",), **quick),
            Workload(kind="DaemonSet", namespace="shop", name="logs", labels={"app": "logs"}),
        ),
        budgets=(
            Budget(namespace="shop", name="web", match_labels={"app": "web"}, max_unavailable=1),
        ),
        tokens={TOKEN: worker},
    )  # fmt: skip


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(scenario()) as cluster:
        yield cluster


@pytest.fixture
def worker(guarded: GuardedRedis, cluster: Cluster, tmp_path: Path) -> Iterator[Process]:
    """`drainbot worker`, as its Deployment runs it."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    env = os.environ | {
        "DRAINBOT_REDIS_URL": guarded.url("worker"),
        "DRAINBOT_CLUSTER": CLUSTER,
        "DRAINBOT_POLICY": str(policy),
        "KUBECONFIG": str(cluster.kubeconfig(tmp_path / "kubeconfig", token=TOKEN)),
    }
    program = Path(sys.executable).with_name("drainbot")
    with Process([str(program), "worker", "--slots", "2"], name="worker", env=env) as process:
        yield process


def wait_for(service: Service, true: Callable[[], bool]) -> bool:
    """Look after each change, and now and then, since not all of them make an event."""
    cursor, deadline = "0", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if true():
            return True
        for changes in service.changes({CLUSTER: cursor}, wait=0.1):
            cursor = changes.cursor
    return False


def test_a_node_is_drained_with_exactly_the_rights_of_the_manifests(
    guarded: GuardedRedis, cluster: Cluster, worker: Process
) -> None:
    service = Service(guarded.of("bot"), parse_policy(POLICY))
    assert wait_for(service, lambda: len(service.inventory(CLUSTER).nodes) == 2), worker.lines()
    request = DrainRequest(cluster=CLUSTER, nodes=("node-1",), reason="disk swap")
    submitted = service.submit(ANA, request, dedup="once")
    assert isinstance(submitted, Submitted), submitted

    def now() -> OperationView:
        view = service.operation(submitted.operation)
        assert view is not None
        return view

    assert wait_for(service, lambda: now().end is not None), (now().questions, worker.lines())
    assert now().end is OperationEnd.DRAINED, (now().detail, worker.lines())
    assert guarded.denied() == []
    assert [line for line in worker.lines() if '"level": "info"' not in line] == []
    refused = [entry for entry in cluster.requests() if entry.status in {401, 403}]
    assert refused == []
    assert cluster.counters()["create pods/eviction"] >= 6
