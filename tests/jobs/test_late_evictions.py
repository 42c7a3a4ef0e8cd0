"""Nothing reaches a cluster late: a worker that slept through an abort does nothing more.

Real processes, a real Redis, and the cluster's own log of what it was asked.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobs.models import OperationEnd
from sandbox import redis as sandbox_redis
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import ANA, BO, policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting, runs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
PODS = 24


@pytest.fixture
def server() -> Iterator[sandbox_redis.RedisServer]:
    with sandbox_redis.running(appendfsync="everysec") as server:
        yield server


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=PODS, on=["node-1"] * PODS)
        yield cluster


def unread(pid: int, port: int) -> int:
    """How many connections of a process to a port hold bytes that nobody has read there."""
    mine = {
        f"0100007F:{each.laddr.port:04X}"
        for each in psutil.Process(pid).net_connections(kind="tcp4")
        if each.raddr and each.raddr.port == port
    }
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = f"0100007F:{port:04X}"
    waiting = (row for row in rows if int(row[4].split(":")[1], 16) > 0)
    return sum(row[1] == local and row[2] in mine for row in waiting)


def abort_and_give_back(hosts: Hosts, operation: str) -> None:
    """Abort once the lease of who stands still has run out; another worker tidies up."""
    lease = hosts.lease_of(operation)
    until(lambda: hosts.store.now() > lease, within=PATIENCE, what="the end of the lease")
    hosts.service.abort(ANA, operation, reason="enough", nonce="abort")
    assert hosts.finish(operation).end is OperationEnd.ABORTED
    if hosts.cordoned("node-1"):
        assert hosts.give_back("node-1").end is OperationEnd.DRAINED
    assert not hosts.cordoned("node-1")


def test_leave_that_was_given_to_a_worker_that_stood_still_is_not_used_after_the_abort(
    server: sandbox_redis.RedisServer, cluster: Cluster, tmp_path: Path
) -> None:
    policy = policy_with({"evictions_per_second": 4.0})
    with hosting(server.url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        first = hosts.start()
        operation = hosts.submit("node-1")
        until(lambda: len(hosts.evictions()) >= 2, within=PATIENCE, what="two evictions")
        hosts.start()
        sleeper = hosts.slot_of(operation)
        assert sleeper in hosts.children(first)

        # Redis stands still until threads of the slot wait for leave, then the worker does; what
        # they have asked for is answered while the worker can't hear it.
        spent = hosts.redis.hget("drainbot:test:rate:evictions", "at")
        server.freeze()
        # One of them renews the lease; the others ask for leave.
        until(lambda: unread(sleeper, server.port) >= 3, what="threads that ask for leave")
        hosts.stop(*hosts.children(first))
        server.thaw()
        until(
            lambda: hosts.redis.hget("drainbot:test:rate:evictions", "at") != spent,
            what="leave that was given",
        )
        abort_and_give_back(hosts, operation)

        before = cluster.requests()
        assert runs(sleeper)
        hosts.go_on()
        until(lambda: not runs(sleeper), within=PATIENCE, what="the slot's own end")
        until(lambda: len(hosts.children(first)) == 3, within=PATIENCE, what="another slot")
        assert cluster.requests() == before
        assert 2 <= len(hosts.evictions()) < PODS
        assert not hosts.cordoned("node-1")


def test_a_cordon_that_was_decided_before_the_abort_does_not_reach_the_node_after_it(
    server: sandbox_redis.RedisServer, cluster: Cluster, tmp_path: Path
) -> None:
    policy = policy_with(rule={"start": "confirm"})
    with hosting(server.url, cluster, tmp_path / "kubeconfig", policy) as hosts:
        first = hosts.start()
        operation = hosts.submit("node-1")
        asked = until(lambda: hosts.service.operation(operation).open_questions)[0]  # type: ignore[union-attr]
        # The claim reads the node first; then what the cordon is decided on is read, and its
        # answer comes while the worker stands still.
        node = "/api/v1/nodes/node-1$"
        cluster.stall_next(0, method="GET", path=node)
        cluster.stall_next(1, method="GET", path=node, when="after")
        seen = cluster.counters()["get nodes"]
        hosts.service.decide(BO, asked.id, "start", nonce="start")
        until(
            lambda: cluster.counters()["get nodes"] == seen + 2, what="the read before the cordon"
        )
        sleeper = hosts.slot_of(operation)
        hosts.stop(*hosts.children(first))
        hosts.start()
        abort_and_give_back(hosts, operation)

        before = [entry for entry in cluster.requests() if entry.carried_out]
        hosts.go_on()
        until(lambda: not runs(sleeper), within=PATIENCE, what="the slot's own end")
        assert [entry for entry in cluster.requests() if entry.carried_out] == before
        assert hosts.evictions() == []
        assert not hosts.cordoned("node-1")
