"""The Deployment controller: one ReplicaSet, as large as the Deployment wants.

A template that changes is not rolled out: draining needs the scale of a Deployment, not its
history.
"""

from sandbox.cluster.controllers.owners import OwnerController, owner_reference
from sandbox.cluster.objects import Item, Json, Key, condition, controller_of
from sandbox.cluster.resources import resource
from sandbox.cluster.store import Change
from sandbox.cluster.times import stamp

__all__ = ["Deployments", "replica_set_of"]

_REPLICA_SETS = resource("replicasets")
_DEPLOYMENTS = resource("deployments")


def replica_set_of(owner: Item, suffix: str) -> Json:
    """Return the Deployment's ReplicaSet."""
    template = owner.spec["template"]
    labels = {**(template["metadata"].get("labels") or {}), "pod-template-hash": suffix}
    selector = owner.spec.get("selector") or {}
    chosen = {**(selector.get("matchLabels") or {}), "pod-template-hash": suffix}
    return {
        "metadata": {
            "name": f"{owner.key.name}-{suffix}",
            "namespace": owner.key.namespace,
            "labels": labels,
            "ownerReferences": [owner_reference(_DEPLOYMENTS, owner)],
        },
        "spec": {
            "replicas": owner.spec.get("replicas", 1),
            "selector": {**selector, "matchLabels": chosen},
            "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
        },
    }


class Deployments(OwnerController):
    """Keeps the Deployment's ReplicaSet at its size, and its status up to date."""

    name = "deployment"
    resource = _DEPLOYMENTS

    def watch(self) -> None:
        """Listen to ReplicaSets in the place of pods."""
        self.listen(self.resource, self._owner_changed)
        self.listen(_REPLICA_SETS, self._replica_set_changed)

    def _replica_set_changed(self, change: Change) -> None:
        reference = controller_of(change.item.body)
        if reference and reference["kind"] == self.resource.kind:
            self.soon(Key(change.item.key.namespace, reference["name"]))

    def _pods(self, owner: Item) -> list[Item]:
        return self.store[_REPLICA_SETS].owned_by(owner.uid)

    def reconcile(self, owner: Item, pods: list[Item]) -> None:
        """Make the ReplicaSet or scale it, and add up its status; ``pods`` are ReplicaSets here."""
        wanted: int = owner.spec.get("replicas", 1)
        present = [one for one in pods if not one.ending]
        if not present:
            new = replica_set_of(owner, self.store.suffix(10))
            self.rest.create(_REPLICA_SETS, owner.key.namespace, new)
            return
        for one in present:
            if one.spec.get("replicas") != wanted:
                scaled = {**one.body, "spec": {**one.spec, "replicas": wanted}}
                self.rest.update(_REPLICA_SETS, one, scaled)
        total = sum(one.status.get("replicas", 0) for one in present)
        ready = sum(one.status.get("readyReplicas", 0) for one in present)
        self.write_status(
            owner,
            {},
            replicas=total,
            updatedReplicas=total,
            readyReplicas=ready,
            availableReplicas=ready,
            unavailableReplicas=max(0, wanted - ready),
            conditions=[_available(owner, self.store.clock(), enough=ready >= wanted)],
        )


def _available(owner: Item, now: float, *, enough: bool) -> Json:
    status = "True" if enough else "False"
    before = condition(owner.body, "Available")
    if before and before["status"] == status:
        return before
    return {
        "type": "Available",
        "status": status,
        "lastUpdateTime": stamp(now),
        "lastTransitionTime": stamp(now),
        "reason": f"MinimumReplicas{'Available' if enough else 'Unavailable'}",
        "message": f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    }
