"""What the live demo's cluster is, and what a person does to it."""

from collections.abc import Iterator

import pytest

from jobs.models import ClusterNode, Inventory
from sandbox.cluster import Cluster, View, running
from sandbox.demo.keys import TypingError
from sandbox.demo.live_cluster import nodes_table, open_budget, scale, uncordon
from sandbox.demo.live_scene import live_cluster, live_workspace


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running(live_cluster().at_speed(20)) as cluster:
        yield cluster


def _allowed(view: View | Cluster, name: str) -> int:
    budget = view.get("PodDisruptionBudget", "payments", name) or {}
    return int(budget["status"]["disruptionsAllowed"])


def test_each_node_is_full_so_that_replacements_go_to_the_spare_ones(cluster: Cluster) -> None:
    for node in cluster.list("Node")[:5]:
        name = node["metadata"]["name"]
        assert len(cluster.list("Pod", node=name)) == int(node["status"]["allocatable"]["pods"])


def test_one_more_replica_makes_room_for_the_drain_of_node_2(cluster: Cluster) -> None:
    assert _allowed(cluster, "db") == 0
    assert scale(cluster, "db").words == "StatefulSet payments/db scaled from 3 to 4"
    cluster.wait_for(lambda view: _allowed(view, "db") == 1)
    assert scale(cluster, "payments/db", 3).words.endswith("scaled from 4 to 3")


def test_an_opened_budget_makes_room_for_the_drain_of_node_3(cluster: Cluster) -> None:
    assert _allowed(cluster, "ledger") == 0
    said = open_budget(cluster, "ledger")
    assert said.words == "budget payments/ledger opened: minAvailable 2 → 1"
    cluster.wait_for(lambda view: _allowed(view, "ledger") == 1)
    assert open_budget(cluster, "checkout").words.endswith("maxUnavailable 4 → 5")


def test_a_budget_that_needs_nothing_is_not_opened_further(cluster: Cluster) -> None:
    open_budget(cluster, "wiki-old")
    with pytest.raises(TypingError, match="as open as can be"):
        open_budget(cluster, "wiki-old")
    cluster.add_budget("shop", "half", max_unavailable="50%", match_labels={"app": "web"})
    with pytest.raises(TypingError, match="counts in percent"):
        open_budget(cluster, "half")


def test_a_name_that_is_none_is_answered_with_those_that_are(cluster: Cluster) -> None:
    with pytest.raises(TypingError, match=r"no workload 'dbb'\. There are: ads, cart, .*\bdb\b"):
        scale(cluster, "dbb")
    with pytest.raises(TypingError, match=r"no budget 'web'\. There are: checkout, db"):
        open_budget(cluster, "web")
    with pytest.raises(TypingError, match="no workload 'agent'"):  # a DaemonSet has no size
        scale(cluster, "agent")


def test_a_node_is_uncordoned_only_if_it_is_cordoned(cluster: Cluster) -> None:
    with pytest.raises(TypingError, match="node-1 is not cordoned"):
        uncordon(cluster, "node-1")
    cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    assert uncordon(cluster, "node-1").words.startswith("node-1 was uncordoned")
    node = cluster.get("Node", "", "node-1")
    assert node
    assert not node["spec"].get("unschedulable")
    with pytest.raises(TypingError, match=r"no node 'node-77'. There are: node-1, node-2"):
        uncordon(cluster, "node-77")


def test_the_table_says_what_the_cluster_and_drainbot_know(cluster: Cluster) -> None:
    cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    known = ClusterNode(name="node-1", uid="1", mode="draining")
    lines = nodes_table(cluster, Inventory(cluster="demo", nodes=(known,), as_of=1))
    assert lines[0].split() == ["node", "pods", "drainbot", "says"]
    assert lines[1].split() == ["node-1", "cordoned", "14", "draining"]
    assert lines[2].split() == ["node-2", "6", "not", "seen", "yet"]
    ledger = next(line for line in lines if line.startswith("payments/ledger"))
    assert ledger.split() == ["payments/ledger", "2", "2", "0"]


def test_the_workspace_has_only_what_the_local_slack_can_show() -> None:
    workspace = live_workspace()
    assert [user.name for user in workspace.users] == ["ana", "bo", "cy"]
    assert [channel.name for channel in workspace.channels] == ["ops"]
    assert workspace.groups == ()
    assert workspace.apps[0].socket_mode
