"""The StatefulSet controller: a pod comes back under its own name, once the old one is gone."""

from sandbox.cluster.controllers.owners import OwnerController, pod_of, ready_count, template_hash
from sandbox.cluster.objects import Item
from sandbox.cluster.resources import resource

__all__ = ["StatefulSets", "identity"]


def identity(owner: Item, number: int) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the name of the pod of that number, the labels and the spec that go with it."""
    name = f"{owner.key.name}-{number}"
    labels = {
        "apps.kubernetes.io/pod-index": str(number),
        "controller-revision-hash": f"{owner.key.name}-{template_hash(owner)}",
        "statefulset.kubernetes.io/pod-name": name,
    }
    spec = {"hostname": name}
    if owner.spec.get("serviceName"):
        spec["subdomain"] = owner.spec["serviceName"]
    return name, labels, spec


def _parallel(owner: Item) -> bool:
    return bool(owner.spec.get("podManagementPolicy") == "Parallel")


class StatefulSets(OwnerController):
    """Keeps the pods 0 to N-1, one step at a time unless its pods are managed in parallel."""

    name = "statefulset"
    resource = resource("statefulsets")

    def reconcile(self, owner: Item, pods: list[Item]) -> None:
        """Make the first that is missing; when all are well, delete the last that is too much."""
        wanted: int = owner.spec.get("replicas", 1)
        names = [f"{owner.key.name}-{number}" for number in range(wanted)]
        complete = self._complete(owner, {pod.key.name: pod for pod in pods}, names)
        if complete or _parallel(owner):
            self._reduce(owner, [pod for pod in pods if pod.key.name not in names])
        present = self._pods(owner)
        ready = ready_count(present)
        revision = f"{owner.key.name}-{template_hash(owner)}"
        self.write_status(
            owner,
            {"replicas": len(present), "availableReplicas": ready},
            readyReplicas=ready,
            currentReplicas=len(present),
            updatedReplicas=len(present),
            currentRevision=revision,
            updateRevision=revision,
        )

    def _complete(self, owner: Item, by_name: dict[str, Item], names: list[str]) -> bool:
        """Go through the wanted pods in order; stop at the first that is not well."""
        complete = True
        for number, name in enumerate(names):
            pod = by_name.get(name)
            if pod and not pod.ending and pod.ready:
                continue
            complete = False
            if pod is None:
                own_name, labels, spec = identity(owner, number)
                new = pod_of(self.resource, owner, name=own_name, labels=labels, spec=spec)
                self.create_pod(owner, new)
            elif pod.status.get("phase") in ("Failed", "Succeeded") and not pod.ending:
                self.delete_pods([pod])
            if not _parallel(owner):
                return False
        return complete

    def _reduce(self, owner: Item, surplus: list[Item]) -> None:
        in_order = sorted(surplus, key=lambda pod: int(pod.key.name.rpartition("-")[2]))
        if not _parallel(owner):
            in_order = in_order[-1:]
        self.delete_pods(pod for pod in in_order if not pod.ending)
