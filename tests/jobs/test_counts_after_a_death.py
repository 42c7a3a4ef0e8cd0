"""What a dead worker did counts, also where it died before it could say so.

Real processes with a lease that is renewed, and progress stored with it, only after the test.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.models import OperationEnd
from sandbox import redis as sandbox_redis
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import BO, policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
LEASE = 300.0  # a third of it goes by until progress is stored with it


@pytest.fixture
def server() -> Iterator[sandbox_redis.RedisServer]:
    with sandbox_redis.running(appendfsync="everysec") as server:
        yield server


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        yield cluster


def kill_slot(hosts: Hosts, operation: str) -> None:
    """Kill who drains; the supervisor starts another slot, which takes over."""
    os.kill(hosts.slot_of(operation), signal.SIGKILL)


def test_pods_that_left_before_their_worker_could_say_so_are_counted(
    server: sandbox_redis.RedisServer, cluster: Cluster, tmp_path: Path
) -> None:
    on = ["node-1"] * 12
    cluster.add_workload(
        "Deployment", "shop", "web", replicas=13, on=[*on, "node-2"], stop_after=0.0
    )
    policy = policy_with({"evictions_per_second": 4.0})
    with hosting(server.url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        hosts.start(lease=LEASE)
        operation = hosts.submit("node-1")
        until(
            lambda: len(cluster.list("Pod", node="node-1")) <= 9, within=PATIENCE, what="three left"
        )
        kill_slot(hosts, operation)
        view = hosts.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert (view.nodes[0].pods_total, view.nodes[0].pods_gone) == (12, 12)


def test_a_pod_that_was_forced_by_who_died_of_it_is_told_as_forced(
    server: sandbox_redis.RedisServer, cluster: Cluster, tmp_path: Path
) -> None:
    cluster.add_workload(
        "StatefulSet", "payments", "db", replicas=2, on=["node-1", "node-2"], stop_after=0.0
    )
    cluster.add_budget("payments", "db", min_available=2, match_labels={"app": "db"})
    with hosting(server.url, cluster, tmp_path / "kubeconfig", policy_with()) as hosts:
        hosts.start(lease=LEASE)
        operation = hosts.submit("node-1")

        def asked() -> str:
            found = hosts.service.operation(operation)
            return found.open_questions[0].id if found and found.open_questions else ""

        question = until(asked, within=PATIENCE, what="the question")
        # The deletion is carried out, and its answer does not come before the worker is dead.
        cluster.stall_next(10, method="DELETE", path="/pods/db-0$", when="after")
        hosts.service.decide(BO, question, "force", note="primary moved", nonce="force")
        until(lambda: not cluster.list("Pod", node="node-1"), within=PATIENCE, what="an empty node")
        kill_slot(hosts, operation)
        view = hosts.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[0].forced == ("payments/db-0",)
    assert (view.nodes[0].pods_total, view.nodes[0].pods_gone) == (1, 1)
