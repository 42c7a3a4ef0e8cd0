"""What is told on a node, and how little is asked for that."""

from jobs.drain.conditions import IN_PROGRESS, Stage, Told
from jobs.drain.fence import Claim
from jobs.kubernetes import Cluster
from jobs.kubernetes.nodes import Cordoned, cordon, find_node, tell_conditions, tell_thread
from sandbox.cluster import Cluster as Simulated


def claimed(cluster: Cluster) -> Claim:
    node = find_node(cluster, "node-1")
    assert node is not None
    return Claim(node="node-1", uid=node.uid, operation="op-a", token=5)


def told(claim: Claim) -> Told:
    return Told(node="node-1", uid=claim.uid, operation="op-a", stage=Stage.STARTED, at=1)


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
    before = reads(simulated)
    assert tell_conditions(cluster, told(claim), seen=cordoned.node)
    assert reads(simulated) == before
    assert conditions(cluster)[IN_PROGRESS] == "True"


def test_a_node_that_changed_since_it_was_seen_is_read_again(
    simulated: Simulated, cluster: Cluster
) -> None:
    simulated.switch(node_lifecycle=False)  # it writes the taint of a cordon: the node changes
    claim = claimed(cluster)
    cordoned = cordon(cluster, claim, timeout=5)
    assert isinstance(cordoned, Cordoned)
    assert tell_thread(cluster, "node-1", "op-a", "https://acme.slack.com/archives/C01/p1")
    before = reads(simulated)
    assert tell_conditions(cluster, told(claim), seen=cordoned.node)
    assert reads(simulated) == before + 1
    assert conditions(cluster)[IN_PROGRESS] == "True"
