"""The verbs on stored objects, as the API server carries them out: create, update, delete, evict.

HTTP, the controllers and the Python handle all change objects through these.
"""

import asyncio
from typing import Any

from sandbox.cluster import deletion
from sandbox.cluster.errors import (
    ApiError,
    already_exists,
    bad_request,
    invalid,
    modified,
    namespace_ending,
    not_found,
    success,
)
from sandbox.cluster.eviction import Spend, decide, disruption_target
from sandbox.cluster.kinds import kind_of
from sandbox.cluster.objects import Item, Json, with_metadata
from sandbox.cluster.patches import apply_patch
from sandbox.cluster.resources import Resource, resource
from sandbox.cluster.selecting import matches_labels
from sandbox.cluster.store import Store

__all__ = ["Rest"]

_PODS = resource("pods")
_NAMESPACES = resource("namespaces")
_BUDGETS = resource("poddisruptionbudgets")
_KEPT_METADATA = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


class Rest:
    """Verbs on a store. All raise :class:`ApiError` as the API would refuse."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def find(self, resource: Resource, namespace: str, name: str) -> Item:
        """Return an object, or raise 404."""
        item = self.store[resource].get(namespace, name)
        if item is None:
            raise not_found(resource, name)
        return item

    def create(
        self, resource: Resource, namespace: str, body: Json, *, dry_run: bool = False
    ) -> Item:
        """Make a new object."""
        metadata = dict(body.get("metadata") or {})
        if namespace and metadata.get("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        prefix = metadata.get("generateName", "")
        if not metadata.get("name"):
            if not prefix:
                raise invalid(
                    resource,
                    "",
                    "metadata.name",
                    "Required value: name or generateName is required",
                )
            metadata["name"] = self._free_name(resource, namespace, prefix)
        if namespace:
            metadata["namespace"] = namespace
        self.check_namespace(resource, namespace, metadata["name"])
        if self.store[resource].get(namespace, metadata["name"]):
            raise already_exists(resource, metadata["name"])
        kind = kind_of(resource)
        plain = {k: v for k, v in body.items() if k not in ("kind", "apiVersion")}
        fresh = self.store.fresh({**plain, "metadata": metadata})
        complete = kind.tidy(kind.begin(self.store, fresh))
        if dry_run:
            return Item(complete, self.store.revision)
        return self.store.add(resource, complete)

    def _free_name(self, resource: Resource, namespace: str, prefix: str) -> str:
        """Return a generated name that nobody has; the real server, too, tries again."""
        while True:
            name = prefix + self.store.suffix()
            if self.store[resource].get(namespace, name) is None:
                return name

    def check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        """Refuse to make anything in a namespace that is not there, or goes away."""
        if not namespace:
            return
        found = self.find(_NAMESPACES, "", namespace)
        if found.status.get("phase") == "Terminating":
            raise namespace_ending(resource, name, namespace)

    def update(
        self,
        resource: Resource,
        item: Item,
        body: Json,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Item:
        """Put another body in the place of an object's; its status apart, where it has one."""
        merged = self._merged(resource, item, body, subresource)
        if dry_run:
            return Item(merged, item.revision)
        if deletion.held_no_longer(merged):
            self.store.remove(resource, item)
            return Item(merged, self.store.revision)
        return self.store.replace(resource, item, merged)

    def _merged(self, resource: Resource, item: Item, body: Json, subresource: str) -> Json:
        given: Json = body.get("metadata") or {}
        if given.get("resourceVersion") not in (None, "", item.metadata["resourceVersion"]):
            raise modified(resource, item.key.name)
        if given.get("uid") not in (None, "", item.uid):
            raise ApiError(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {resource.qualified} "{item.key.name}": '
                f"Precondition failed: UID in precondition: {given['uid']}, "
                f"UID in object meta: {item.uid}",
                {"name": item.key.name, "kind": resource.plural},
            )
        kept = {name: item.metadata.get(name) for name in (*_KEPT_METADATA, "managedFields")}
        kept["managedFields"] = None
        named = with_metadata({**body, "metadata": given}, **kept)
        new = {k: v for k, v in named.items() if k not in ("kind", "apiVersion")}
        if subresource == "status":
            new = {**item.body, "metadata": new["metadata"], "status": new.get("status") or {}}
        elif "status" in resource.subresources:
            new.pop("status", None)
            if "status" in item.body:
                new["status"] = item.body["status"]
        kind = kind_of(resource)
        new = kind.tidy(new)
        if kind.counts_generation and new.get("spec") != item.body.get("spec"):
            new = with_metadata(new, generation=item.metadata.get("generation", 0) + 1)
        return new

    def patch(
        self,
        resource: Resource,
        item: Item,
        content_type: str,
        patch: Any,
        *,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Item:
        """Patch an object; see :mod:`sandbox.cluster.patches`."""
        body = apply_patch(content_type, item.body, patch)
        return self.update(resource, item, body, subresource=subresource, dry_run=dry_run)

    def delete(
        self,
        resource: Resource,
        item: Item,
        options: Json | None = None,
        *,
        dry_run: bool = False,
    ) -> Item | Json:
        """Delete an object: return it as it is now, or a Status if it is gone without a trace."""
        options = options or {}
        deletion.check_preconditions(resource, item, options.get("preconditions"))
        if resource is _PODS:
            return self._delete_pod(item, options.get("gracePeriodSeconds"), dry_run=dry_run)
        now = self.store.clock()
        if resource is _NAMESPACES:
            ending = deletion.mark_ending(item, now)
            ending = {**ending, "status": {**item.status, "phase": "Terminating"}}
            return item if dry_run else self.store.replace(resource, item, ending)
        if item.metadata.get("finalizers"):
            ending = deletion.mark_ending(item, now)
            return item if dry_run else self.store.replace(resource, item, ending)
        if not dry_run:
            self.store.remove(resource, item)
        details: Json = {"name": item.key.name, "kind": resource.plural, "uid": item.uid}
        if resource.group:
            details["group"] = resource.group
        return success(details=details)

    def _delete_pod(self, pod: Item, grace: int | None, *, dry_run: bool) -> Item:
        step = deletion.delete_pod(pod, grace, self.store.clock())
        if dry_run:
            return Item(step.body or pod.body, pod.revision)
        if step.body is not None:
            pod = self.store.replace(_PODS, pod, step.body)
        if step.remove:
            self.store.remove(_PODS, pod)
        return pod

    def budgets_of(self, pod: Item) -> list[Item]:
        """Return the budgets that select a pod."""
        return [
            budget
            for budget in self.store[_BUDGETS].in_namespace(pod.key.namespace)
            if matches_labels(budget.spec.get("selector"), pod.labels)
        ]

    async def evict(
        self, namespace: str, name: str, options: Json | None = None, *, dry_run: bool = False
    ) -> Json:
        """Evict a pod and return a Status.

        A budget is charged first and the pod deleted after; the real server writes both to etcd,
        so controllers and other requests get in between: here they do, too.
        """
        self.check_namespace(_PODS, namespace, name)
        options = options or {}
        pod = self.find(_PODS, namespace, name)
        verdict = decide(pod, self.budgets_of(pod), self.store.clock())
        if isinstance(verdict, Spend) and not dry_run:
            self.store.replace(_BUDGETS, verdict.budget, verdict.body)
            await asyncio.sleep(0)
            pod = self.find(_PODS, namespace, name)
        # Only now, as in the real server: another pod's uid has cost the budget all the same.
        deletion.check_preconditions(_PODS, pod, options.get("preconditions"))
        if not dry_run:
            body = disruption_target(pod.body, self.store.clock())
            pod = self.store.replace(_PODS, pod, body)
        self._delete_pod(pod, options.get("gracePeriodSeconds"), dry_run=dry_run)
        return success(code=201)
