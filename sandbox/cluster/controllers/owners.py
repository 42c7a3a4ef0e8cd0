"""What the controllers of workloads share: pods made from a template, counted by their owner."""

import hashlib
from collections.abc import Iterable

from sandbox.cluster.controllers.base import Controller
from sandbox.cluster.objects import Item, Json, Key, controller_of, encode, with_status
from sandbox.cluster.resources import Resource, resource
from sandbox.cluster.store import Change

__all__ = [
    "OwnerController",
    "active",
    "owner_reference",
    "pod_of",
    "ready_count",
    "template_hash",
]

_PODS = resource("pods")
_NAMESPACES = resource("namespaces")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def owner_reference(kind: Resource, owner: Item) -> Json:
    """Return the reference that makes the owner an object's controller."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": owner.key.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def template_hash(owner: Item) -> str:
    """Return a short name for the owner's pod template: the same template, the same name."""
    digest = hashlib.sha256(encode(owner.spec.get("template"))).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])


def active(pod: Item) -> bool:
    """Whether the pod counts as one of its owner's replicas."""
    return not pod.ending and pod.status.get("phase") not in ("Succeeded", "Failed")


def pod_of(
    kind: Resource,
    owner: Item,
    *,
    name: str | None = None,
    labels: Json | None = None,
    spec: Json | None = None,
) -> Json:
    """Return a new pod from the owner's template; without a name, one is generated."""
    template: Json = owner.spec.get("template") or {}
    metadata = dict(template.get("metadata") or {})
    metadata["generateName"] = f"{owner.key.name}-"
    if name:
        metadata["name"] = name
    if labels:
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    metadata["ownerReferences"] = [owner_reference(kind, owner)]
    return {"metadata": metadata, "spec": {**template.get("spec", {}), **(spec or {})}}


class OwnerController(Controller):
    """Looks at an owner when it or one of its pods changed. Subclasses say what to do then."""

    resource: Resource

    def watch(self) -> None:
        """Listen to the owners and to pods."""
        self.listen(self.resource, self._owner_changed)
        self.listen(_PODS, self._pod_changed)

    def resync(self) -> None:
        """Look at every owner."""
        for owner in self.store[self.resource]:
            self.soon(owner.key)

    def soon(self, key: Key) -> None:
        """Look at an owner after the usual delay."""
        self.later(key, self.timing.replace_s, lambda: self._look(key))

    def reconcile(self, owner: Item, pods: list[Item]) -> None:
        """Bring the owner's pods nearer to what it wants, and its status up to date."""
        raise NotImplementedError

    def create_pod(self, owner: Item, pod: Json) -> Item | None:
        """Make a pod; None in a namespace that goes away, where no owner can have another."""
        namespace = self.store[_NAMESPACES].get("", owner.key.namespace)
        if namespace is None or namespace.status.get("phase") == "Terminating":
            return None
        return self.rest.create(_PODS, owner.key.namespace, pod)

    def delete_pods(self, pods: Iterable[Item]) -> None:
        """Delete pods with their own grace."""
        for pod in pods:
            self.rest.delete(_PODS, pod, {"preconditions": {"uid": pod.uid}})

    def write_status(self, owner: Item, required: Json, **fields: object) -> None:
        """Write the owner's status, if it is another.

        ``required`` fields are written as they are; of the others, zero and None are left out.
        """
        present = self.current(self.resource, owner)
        if present:
            kept = {name: value or None for name, value in fields.items()}
            generation = present.metadata.get("generation")
            body = with_status(present.body, observedGeneration=generation, **required, **kept)
            self.store.replace(self.resource, present, body)

    def _look(self, key: Key) -> None:
        owner = self.store[self.resource].get(*key)
        if owner and not owner.ending:
            self.reconcile(owner, self._pods(owner))

    def _pods(self, owner: Item) -> list[Item]:
        return self.store[_PODS].owned_by(owner.uid)

    def _owner_changed(self, change: Change) -> None:
        if change.kind == "DELETED":
            self.forget(change.item.key)
        else:
            self.soon(change.item.key)

    def _pod_changed(self, change: Change) -> None:
        reference = controller_of(change.item.body)
        if reference and reference["kind"] == self.resource.kind:
            self.soon(Key(change.item.key.namespace, reference["name"]))


def ready_count(pods: Iterable[Item]) -> int:
    """Return how many of the pods are ready and not ending."""
    return sum(1 for pod in pods if not pod.ending and pod.ready)
