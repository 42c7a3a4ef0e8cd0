"""The garbage collector: what lost its owner, its node or its namespace goes too."""

from sandbox.cluster.controllers.base import Controller
from sandbox.cluster.objects import Item, condition
from sandbox.cluster.resources import resource, resources
from sandbox.cluster.store import Change

__all__ = ["Garbage", "out_of_service"]

_PODS = resource("pods")
_NODES = resource("nodes")
_NAMESPACES = resource("namespaces")
_OWNERS = tuple(
    resource(name) for name in ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs")
)
_DEPENDENTS = (resource("replicasets"), resource("jobs"), _PODS)
_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class Garbage(Controller):
    """Deletes dependents of deleted owners, contents of ending namespaces, pods of dead nodes."""

    name = "garbage"

    def watch(self) -> None:
        """Listen to owners, nodes, namespaces, and to all that is in namespaces."""
        for owners in _OWNERS:
            self.listen(owners, self._owner_changed)
        self.listen(_NODES, self._node_changed)
        self.listen(_NAMESPACES, self._namespace_changed)
        for one in resources():
            if one.namespaced and "list" in one.verbs:
                self.listen(one, self._content_changed)

    def resync(self) -> None:
        """Look at all namespaces and nodes."""
        for namespace in self.store[_NAMESPACES]:
            self._look_at_namespace(namespace.key.name)
        for node in self.store[_NODES]:
            self._look_at_node(node)

    def _owner_changed(self, change: Change) -> None:
        uid = change.item.uid
        if change.kind == "DELETED":
            self.later(uid, self.timing.replace_s, lambda: self._delete_dependents(uid))

    def _delete_dependents(self, uid: str) -> None:
        for kind in _DEPENDENTS:
            for item in self.store[kind].owned_by(uid):
                if not item.ending:
                    self.rest.delete(kind, item)

    def _node_changed(self, change: Change) -> None:
        node = change.item
        if change.kind == "DELETED":
            name = node.key.name
            self.later(("gone", name), self.timing.node_gone_s, lambda: self._remove_orphans(name))
        else:
            self._look_at_node(node)

    def _look_at_node(self, node: Item) -> None:
        if out_of_service(node):
            name = node.key.name
            self.later(("out", name), self.timing.node_s, lambda: self._remove_stuck(name))

    def _remove_orphans(self, node: str) -> None:
        """Remove the pods of a node that is gone: nobody is left to stop them."""
        if self.store[_NODES].get("", node) is None:
            for pod in self.store[_PODS].on_node(node):
                self.rest.delete(_PODS, pod, {"gracePeriodSeconds": 0})

    def _remove_stuck(self, name: str) -> None:
        """Remove the terminating pods of a node that a person has declared out of service."""
        node = self.store[_NODES].get("", name)
        if node and out_of_service(node):
            for pod in self.store[_PODS].on_node(name):
                if pod.ending:
                    self.rest.delete(_PODS, pod, {"gracePeriodSeconds": 0})

    def _namespace_changed(self, change: Change) -> None:
        if change.item.ending:
            self._look_at_namespace(change.item.key.name)

    def _content_changed(self, change: Change) -> None:
        namespace = self.store[_NAMESPACES].get("", change.item.key.namespace)
        if namespace and namespace.ending:
            self._look_at_namespace(namespace.key.name)
        if change.item.ending and change.kind != "DELETED":
            node = self.store[_NODES].get("", change.item.spec.get("nodeName", ""))
            if node:
                self._look_at_node(node)

    def _look_at_namespace(self, name: str) -> None:
        self.later(("namespace", name), self.timing.replace_s, lambda: self._empty(name))

    def _empty(self, name: str) -> None:
        namespace = self.store[_NAMESPACES].get("", name)
        if namespace is None or not namespace.ending:
            return
        contents = [
            (one, item)
            for one in resources()
            if one.namespaced and "list" in one.verbs
            for item in self.store[one].in_namespace(name)
        ]
        for one, item in contents:
            if not item.ending:
                self.rest.delete(one, item)
        if not any(self.store[one].in_namespace(name) for one, _ in contents):
            self.store.remove(_NAMESPACES, namespace)


def out_of_service(node: Item) -> bool:
    """Whether the node is not ready, and a person said that it is dead."""
    ready = condition(node.body, "Ready")
    dead = ready is None or ready.get("status") != "True"
    taints = node.spec.get("taints") or ()
    return dead and any(taint["key"] == _OUT_OF_SERVICE for taint in taints)
