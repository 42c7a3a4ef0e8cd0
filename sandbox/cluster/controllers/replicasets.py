"""The ReplicaSet controller: a pod that is being deleted is replaced at once, under a new name."""

from sandbox.cluster.controllers.owners import OwnerController, active, pod_of, ready_count
from sandbox.cluster.objects import Item
from sandbox.cluster.resources import resource

__all__ = ["ReplicaSets"]


def _rank(pod: Item) -> tuple[bool, bool, bool, str]:
    """Order pods by how little is lost with them: the first ones go when there are too many."""
    return (
        bool(pod.spec.get("nodeName")),
        pod.status.get("phase") == "Running",
        pod.ready,
        pod.key.name,
    )


class ReplicaSets(OwnerController):
    """Keeps the number of active pods."""

    name = "replicaset"
    resource = resource("replicasets")

    def reconcile(self, owner: Item, pods: list[Item]) -> None:
        """Make what is missing, delete what is too much."""
        present = [pod for pod in pods if active(pod)]
        wanted: int = owner.spec.get("replicas", 1)
        for _ in range(wanted - len(present)):
            self.create_pod(owner, pod_of(self.resource, owner))
        if surplus := max(0, len(present) - wanted):
            self.delete_pods(sorted(present, key=_rank)[:surplus])
        ready = ready_count(present)
        self.write_status(
            owner,
            {"replicas": len(present)},
            fullyLabeledReplicas=len(present),
            readyReplicas=ready,
            availableReplicas=ready,
        )
