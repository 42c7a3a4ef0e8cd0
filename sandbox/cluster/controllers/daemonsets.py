"""The DaemonSet controller: one pod on each node that suits, cordoned or not."""

from sandbox.cluster.controllers.owners import OwnerController, pod_of, template_hash
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.resources import Resource, resource
from sandbox.cluster.scheduling import suits
from sandbox.cluster.store import Change

__all__ = ["DaemonSets", "daemon_pod"]

_NODES = resource("nodes")
_EXISTS: Json = {"operator": "Exists"}
_TOLERATIONS: tuple[Json, ...] = (
    {"key": "node.kubernetes.io/not-ready", **_EXISTS, "effect": "NoExecute"},
    {"key": "node.kubernetes.io/unreachable", **_EXISTS, "effect": "NoExecute"},
    {"key": "node.kubernetes.io/disk-pressure", **_EXISTS, "effect": "NoSchedule"},
    {"key": "node.kubernetes.io/memory-pressure", **_EXISTS, "effect": "NoSchedule"},
    {"key": "node.kubernetes.io/pid-pressure", **_EXISTS, "effect": "NoSchedule"},
    {"key": "node.kubernetes.io/unschedulable", **_EXISTS, "effect": "NoSchedule"},
)


def _spec(owner: Item, node: str) -> Json:
    own = owner.spec.get("template", {}).get("spec", {}).get("tolerations") or []
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    node_affinity = {"requiredDuringSchedulingIgnoredDuringExecution": required}
    return {
        "affinity": {"nodeAffinity": node_affinity},
        "tolerations": [*own, *_TOLERATIONS],
    }


def daemon_pod(kind: Resource, owner: Item, node: str) -> Json:
    """Return the pod that the DaemonSet wants on the node; the scheduler puts it there."""
    generation = owner.metadata.get("generation", 1)
    labels = {
        "controller-revision-hash": template_hash(owner),
        "pod-template-generation": str(generation),
    }
    return pod_of(kind, owner, labels=labels, spec=_spec(owner, node))


def _node_of(pod: Item) -> str:
    """Return the node a daemon's pod is on, or is meant for."""
    node: str = pod.spec.get("nodeName", "")
    if node:
        return node
    affinity = pod.spec["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    found: str = term["matchFields"][0]["values"][0]
    return found


class DaemonSets(OwnerController):
    """Keeps a pod on every node that suits; one that ends is replaced when it is gone."""

    name = "daemonset"
    resource = resource("daemonsets")

    def watch(self) -> None:
        """Listen to nodes as well."""
        super().watch()
        self.listen(_NODES, self._node_changed)

    def _node_changed(self, change: Change) -> None:
        before = change.previous
        if before and change.kind == "MODIFIED" and _suited(before) == _suited(change.item):
            return
        self.resync()

    def reconcile(self, owner: Item, pods: list[Item]) -> None:
        """Make a pod where one is missing, delete what stands where none is wanted."""
        template = {**owner.spec["template"]["spec"], **_spec(owner, "")}
        template.pop("affinity")
        wanted = {node.key.name for node in self.store[_NODES] if suits(template, node)}
        finished = [pod for pod in pods if pod.status.get("phase") in ("Succeeded", "Failed")]
        placed = {_node_of(pod) for pod in pods}
        for node in sorted(wanted - placed):
            self.create_pod(owner, daemon_pod(self.resource, owner, node))
        misplaced = [pod for pod in pods if _node_of(pod) not in wanted]
        self.delete_pods(pod for pod in [*misplaced, *finished] if not pod.ending)
        here = [pod for pod in pods if _node_of(pod) in wanted and not pod.ending]
        ready = sum(1 for pod in here if pod.ready)
        self.write_status(
            owner,
            {
                "currentNumberScheduled": len(here),
                "numberMisscheduled": len(misplaced),
                "desiredNumberScheduled": len(wanted),
                "numberReady": ready,
            },
            updatedNumberScheduled=len(here),
            numberAvailable=ready,
            numberUnavailable=len(wanted) - ready,
        )


def _suited(node: Item) -> tuple[object, object]:
    return node.labels, node.spec.get("taints")
