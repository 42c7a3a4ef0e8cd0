"""What changes in the cluster while drainbot is at work: budgets, pods, nodes, people's hands."""

from collections.abc import Callable

from sandbox.chaos.happenings import Budget, ByHand, NewPod, NodeSilent, World
from sandbox.chaos.people import picked
from sandbox.chaos.scene import NAMESPACE, closed, opened
from sandbox.cluster import ApiError, Cluster

__all__ = ["OWNER", "change"]

OWNER = "drainbot.dev/operation"
Later = Callable[[float, Callable[[], None]], None]


def change(cluster: Cluster, what: World, *, later: Later, note: Callable[[str], None]) -> None:
    """Carry a change out; what lasts for a while is ended by what is given to `later`."""
    try:
        match what:
            case Budget():
                patch = opened(what.name) if what.open else closed(what.name)
                cluster.patch("PodDisruptionBudget", NAMESPACE, what.name, patch)
            case NewPod():
                _start_pod(cluster, what, note)
            case NodeSilent():
                _silence(cluster, what, later, note)
            case ByHand():
                _uncordon(cluster, what, note)
    except ApiError as error:
        note(f"    (not done: {error})")


def _start_pod(cluster: Cluster, what: NewPod, note: Callable[[str], None]) -> None:
    nodes = [node for node in cluster.list("Node") if not node["spec"].get("unschedulable")]
    node = picked(nodes, what.pick)
    if node is not None:
        name = node["metadata"]["name"]
        note(f"    ({name})")
        cluster.add_workload("Pod", NAMESPACE, what.name, on=[name], stop_after=0.2, grace=5)


def _silence(cluster: Cluster, what: NodeSilent, later: Later, note: Callable[[str], None]) -> None:
    node = picked(cluster.list("Node"), what.pick)
    if node is None:
        return
    name = node["metadata"]["name"]
    note(f"    ({name})")
    cluster.set_node_ready(name, ready=False)
    later(what.seconds, lambda: cluster.set_node_ready(name, ready=True))


def _uncordon(cluster: Cluster, what: ByHand, note: Callable[[str], None]) -> None:
    nodes = [
        node
        for node in cluster.list("Node")
        if OWNER in (node["metadata"].get("annotations") or {})
        and node["spec"].get("unschedulable")
    ]
    node = picked(nodes, what.pick)
    if node is not None:
        name = node["metadata"]["name"]
        note(f"    ({name})")
        cluster.patch("Node", "", name, {"spec": {"unschedulable": None}})
