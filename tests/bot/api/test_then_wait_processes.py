"""Two nodes live their whole life in one operation: real processes, each killed once on the way.

Outside systems say that the work is done, through webhooks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.drain.fence import PREFIX, TOKEN
from jobs.drain.mode_marks import MODE, MODE_SEQ
from jobs.models import OperationEnd, OperationView, QuestionKind, QuestionView
from sandbox.cluster import Cluster, nodes, running
from tests.bot.api.calling import Api, calling, policy_with_tokens
from tests.jobs.harness import NAME, until
from tests.jobs.hosts import PATIENCE, Hosts, hosting

POLICY = policy_with_tokens()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(nodes("node-1", "node-2", "node-3")) as cluster:
        on = ["node-1", "node-2", "node-3"]
        cluster.add_workload("Deployment", "shop", "web", replicas=3, on=on)
        cluster.add_workload("DaemonSet", "kube-system", "logs", on=on)
        yield cluster


@pytest.fixture
def hosts(redis_url: str, cluster: Cluster, tmp_path: Path) -> Iterator[Hosts]:
    with hosting(redis_url, cluster, tmp_path / "kubeconfig", POLICY) as hosts:
        yield hosts


def view(hosts: Hosts, operation: str) -> OperationView:
    found = hosts.service.operation(operation)
    assert found is not None
    return found


def maintained(hosts: Hosts, operation: str, node: str) -> QuestionView:
    """Wait until it is asked whether a node's maintenance is done."""

    def look() -> QuestionView | None:
        asked = view(hosts, operation).open_questions
        about = (q for q in asked if q.node == node and q.kind is QuestionKind.MAINTENANCE)
        return next(about, None)

    return until(look, within=PATIENCE, what=f"the maintenance of {node}")


def hook(api: Api, question: QuestionView) -> str:
    """Make an address at which somebody says that the work is done."""
    made = api.post(f"/questions/{question.id}/webhooks", {"choice": "return"})
    assert made.status == 201, made
    return str(made.json["path"])


def shown(cluster: Cluster, node: str) -> dict[str, str]:
    found = cluster.get("Node", "", node)
    assert found is not None
    return found["metadata"].get("annotations") or {}


def test_nodes_are_drained_maintained_and_returned_one_after_the_other(
    hosts: Hosts, cluster: Cluster, redis_url: str
) -> None:
    first = hosts.start()
    until(lambda: hosts.service.inventory(NAME).as_of, within=PATIENCE, what="the inventory")
    with calling(redis_url, POLICY) as api:
        wish = {"nodes": ["node-1", "node-2"], "options": {"then": "wait", "expected": 7200}}
        operation = api.post("/operations", wish).json["operation"]
        one = hook(api, maintained(hosts, operation, "node-1"))
        first.kill()
        cluster.set_node_ready("node-1", ready=False)  # the machine is off
        done = api.post(one, by="")
        assert (done.status, done.json["winner"]["choice"]) == (200, "return")
        assert api.post(one, by="").status == 410  # it is used up
        second = hosts.start()
        until(lambda: first_of(api, operation)["status"] == "returning", within=PATIENCE)
        assert hosts.cordoned("node-1")
        assert not hosts.cordoned("node-2")
        second.kill()  # while it waits for the machine
        cluster.set_node_ready("node-1", ready=True)
        hosts.start()
        two = maintained(hosts, operation, "node-2")
        assert not hosts.cordoned("node-1")
        assert first_of(api, operation)["status"] == "returned"
        assert hosts.cordoned("node-2")
        assert api.post(hook(api, two), by="").status == 200
        ended = hosts.finish(operation)
        assert ended.end is OperationEnd.DRAINED
        lives = [node["life"] for node in api.get(f"/operations/{operation}").json["nodes"]]
        assert all(life["mode"] == "accepting" and life["away"] > 0 for life in lives)
    for node in ("node-1", "node-2"):
        assert not hosts.cordoned(node)
        bare(cluster, node)
    assert changes(hosts) == [
        (node, change)
        for node in ("node-1", "node-2")
        for change in (
            "drain_started", "drain_confirmed", "maintenance_started", "maintenance_ended",
            "returned_to_service",
        )
    ]  # fmt: skip


def first_of(api: Api, operation: str) -> Any:
    return api.get(f"/operations/{operation}").json["nodes"][0]


def bare(cluster: Cluster, node: str) -> None:
    """Wait until a node shows nothing of drainbot's but its counters."""
    until(lambda: MODE not in shown(cluster, node), within=PATIENCE, what="no mode")
    assert {key for key in shown(cluster, node) if key.startswith(PREFIX)} == {TOKEN, MODE_SEQ}


def changes(hosts: Hosts) -> list[tuple[str, str]]:
    events = cast("list[Any]", hosts.redis.xrange(f"drainbot:{NAME}:events"))
    told = (fields for _, fields in events if fields["kind"] == "node_mode")
    return [(f["node"], f["change"]) for f in told if f["change"] != "mode_repeated"]
