"""What is told on a node, and how little is asked for that."""

from jobs.drain.conditions import IN_PROGRESS, Stage, Told
from jobs.drain.facts import Node
from jobs.drain.fence import Claim, Patch
from jobs.drain.mode_marks import MODE
from jobs.kubernetes import Cluster
from jobs.kubernetes.nodes import (
    Cordoned,
    LastSeen,
    cordon,
    find_node,
    tell_conditions,
    tell_mode,
    tell_thread,
)
from sandbox.cluster import Cluster as Simulated


def claimed(cluster: Cluster) -> Claim:
    node = find_node(cluster, "node-1")
    assert node is not None
    return Claim(node="node-1", uid=node.uid, operation="op-a", token=5)


def told(claim: Claim) -> Told:
    return Told(node="node-1", uid=claim.uid, operation="op-a", stage=Stage.STARTED, at=1)


def marked(node: Node) -> Patch | None:
    if node.annotations.get(MODE) == "draining":
        return None
    return Patch(node.resource_version, {MODE: "draining"})


def reads(simulated: Simulated) -> int:
    return simulated.counters().get("get nodes", 0)


def conditions(cluster: Cluster) -> dict[str, str]:
    node = find_node(cluster, "node-1")
    assert node is not None
    return {each.kind: each.status for each in node.conditions}


def test_a_node_as_its_cordon_left_it_is_told_without_being_read_again(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.switch(node_lifecycle=False)  # it writes the taint of a cordon: the node changes
    claim = claimed(cluster)
    cordoned = cordon(cluster, claim, timeout=5)
    assert isinstance(cordoned, Cordoned)
    assert cordoned.node is not None
    assert cordoned.node.unschedulable
    last = LastSeen()
    last.note(cordoned.node)
    before = reads(simulated)
    assert tell_conditions(cluster, told(claim), last=last)
    assert tell_mode(cluster, "node-1", marked, last=last)
    assert reads(simulated) == before
    assert not tell_mode(cluster, "node-1", marked, last=last)
    assert reads(simulated) == before + 1, "that nothing is to be written is worth a look"
    assert conditions(cluster)[IN_PROGRESS] == "True"


def test_a_node_is_built_upon_once_and_for_a_second() -> None:
    at = [10.0]
    last = LastSeen(lambda: at[0])
    node = Node(name="node-1", uid="uid-1")
    last.note(node)
    assert (last.take("node-1"), last.take("node-1")) == (node, None)
    last.note(node)
    at[0] += 1.1
    assert last.take("node-1") is None


def test_a_node_that_changed_since_it_was_seen_is_read_again(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.switch(node_lifecycle=False)  # it writes the taint of a cordon: the node changes
    claim = claimed(cluster)
    cordoned = cordon(cluster, claim, timeout=5)
    assert isinstance(cordoned, Cordoned)
    last = LastSeen()
    last.note(cordoned.node)
    assert tell_thread(cluster, "node-1", "op-a", "https://acme.slack.com/archives/C01/p1")
    before = reads(simulated)
    assert tell_conditions(cluster, told(claim), last=last)
    assert reads(simulated) == before + 1
    assert conditions(cluster)[IN_PROGRESS] == "True"
