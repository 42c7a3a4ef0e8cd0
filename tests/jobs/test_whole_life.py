"""A node's whole life with real processes, each of which is killed once on the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.drain.fence import PREFIX, TOKEN
from jobs.drain.mode_marks import MODE, MODE_SEQ
from jobs.models import OperationEnd, OperationView, QuestionKind, QuestionView, Submitted
from jobs.nodes import NodeStore
from jobs.workflows import choices
from sandbox.cluster import Cluster, nodes, running
from tests.jobs.harness import ANA, BO, NAME, policy_with, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=3, on=["node-1"] * 3)
        cluster.add_workload("DaemonSet", "kube-system", "logs", on=["node-1", "node-2"])
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", policy_with()) as hosts:
        yield hosts


def asked(hosts: Hosts, kind: QuestionKind) -> tuple[OperationView, QuestionView]:
    """Wait for an open question of a kind, and the operation that asks it."""

    def look() -> tuple[OperationView, QuestionView] | None:
        for view in hosts.service.operations(NAME):
            for question in view.open_questions:
                if question.kind is kind:
                    return view, question
        return None

    return until(look, within=PATIENCE, what=f"a question: {kind}")


def shown(cluster: Cluster) -> dict[str, str]:
    node = cluster.get("Node", "", "node-1")
    assert node is not None
    return node["metadata"].get("annotations") or {}


def test_a_node_is_drained_loses_its_fence_is_drained_again_maintained_and_comes_back(
    hosts: Hosts, cluster: Cluster
) -> None:
    first = hosts.start()
    operation = hosts.submit("node-1")
    assert hosts.finish(operation).end is OperationEnd.DRAINED
    first.kill()  # with its watcher: the next one keeps the fence
    cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})
    second = hosts.start()
    view, question = asked(hosts, QuestionKind.FENCE_LOST)
    assert question.detail == "somebody uncordoned it"
    second.kill()  # while the question is open
    hosts.service.decide(BO, question.id, choices.DRAIN_AGAIN, nonce="n1")
    third = hosts.start()
    assert hosts.finish(view.id).end is OperationEnd.DRAINED
    begun = hosts.service.maintain(
        ANA, NAME, "node-1", expected=7200, reason="disk", channel="C01", dedup="m1"
    )
    assert isinstance(begun, Submitted)
    asked(hosts, QuestionKind.MAINTENANCE)
    cluster.set_node_ready("node-1", ready=False)  # the machine is off
    third.kill()
    back = hosts.service.return_node(ANA, NAME, "node-1", channel="C01", dedup="r1")
    assert isinstance(back, Submitted)
    assert back.operation == begun.operation
    hosts.start()
    nodes = NodeStore(hosts.store)
    until(lambda: getattr(nodes.record("node-1"), "mode", "") == "returning", within=PATIENCE)
    assert shown_cordon(cluster)
    cluster.set_node_ready("node-1", ready=True)
    ended = hosts.finish(begun.operation)
    assert ended.end is OperationEnd.DRAINED
    assert ended.life is not None
    assert ended.life.mode == "accepting"
    assert not shown_cordon(cluster)
    until(lambda: MODE not in shown(cluster), within=PATIENCE, what="no mode")
    assert {key for key in shown(cluster) if key.startswith(PREFIX)} == {TOKEN, MODE_SEQ}
    events = cast("list[Any]", hosts.redis.xrange(f"drainbot:{NAME}:events"))
    changes = [fields["change"] for _, fields in events if fields["kind"] == "node_mode"]
    assert changes == [
        "drain_started", "drain_confirmed", "fence_lost_when_drained", "drain_started_again",
        "drain_confirmed", "maintenance_started", "maintenance_ended", "returned_to_service",
    ]  # fmt: skip


def shown_cordon(cluster: Cluster) -> bool:
    node = cluster.get("Node", "", "node-1")
    assert node is not None
    return bool(node["spec"].get("unschedulable"))
