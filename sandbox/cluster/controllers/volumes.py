"""The attach-detach controller: a VolumeAttachment for each volume of each node's pods.

It looks after volumes that a PersistentVolumeClaim names; other attachments stay as they were put.
From a node that is silent it takes nothing, unless a person has declared it out of service
(pkg/controller/volume/attachdetach: the real one waits six minutes for it).
"""

import hashlib

from sandbox.cluster.controllers.base import Controller
from sandbox.cluster.controllers.garbage import out_of_service
from sandbox.cluster.objects import Item
from sandbox.cluster.resources import resource
from sandbox.cluster.store import Change

__all__ = ["ATTACHER", "AttachDetach"]

ATTACHER = "csi.example.com"
_PODS = resource("pods")
_NODES = resource("nodes")
_CLAIMS = resource("persistentvolumeclaims")
_ATTACHMENTS = resource("volumeattachments")


class AttachDetach(Controller):
    """Attaches what a node's pods claim, and detaches it when the last of them is gone."""

    name = "attach-detach"

    def watch(self) -> None:
        """Listen to pods and nodes."""
        self.listen(_PODS, self._pod_changed)
        self.listen(_NODES, self._node_changed)

    def resync(self) -> None:
        """Look at every node."""
        for node in self.store[_NODES]:
            self._soon(node.key.name)

    def _pod_changed(self, change: Change) -> None:
        node = change.item.spec.get("nodeName")
        if node and self._claimed(change.item):
            self._soon(node)

    def _node_changed(self, change: Change) -> None:
        self._soon(change.item.key.name)

    def _soon(self, node: str) -> None:
        self.later(node, self.timing.attach_s, lambda: self._look(node))

    def _claimed(self, pod: Item) -> set[str]:
        """Return the PersistentVolumes of a pod."""
        found = set()
        for volume in pod.spec.get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            claim = self.store[_CLAIMS].get(pod.key.namespace, name) if name else None
            if claim and claim.spec.get("volumeName"):
                found.add(claim.spec["volumeName"])
        return found

    def _look(self, name: str) -> None:
        wanted = {
            volume
            for pod in self.store[_PODS].on_node(name)
            if pod.status.get("phase") not in ("Succeeded", "Failed")
            for volume in self._claimed(pod)
        }
        attached = {
            one.spec["source"].get("persistentVolumeName"): one
            for one in self.store[_ATTACHMENTS]
            if one.spec["nodeName"] == name
        }
        for volume in sorted(wanted - attached.keys()):
            self._attach(name, volume)
        node = self.store[_NODES].get("", name)
        if node is None or node.ready or out_of_service(node):
            ours = {claim.spec.get("volumeName") for claim in self.store[_CLAIMS]}
            for volume in (attached.keys() & ours) - wanted:
                self.rest.delete(_ATTACHMENTS, attached[volume])

    def _attach(self, node: str, volume: str) -> None:
        # As the CSI plugin names them: pkg/volume/csi, getAttachmentName.
        name = hashlib.sha256(f"{volume}{ATTACHER}{node}".encode()).hexdigest()
        spec = {
            "attacher": ATTACHER,
            "source": {"persistentVolumeName": volume},
            "nodeName": node,
        }
        body = {"metadata": {"name": f"csi-{name}"}, "spec": spec}
        item = self.rest.create(_ATTACHMENTS, "", body)
        self.store.replace(_ATTACHMENTS, item, {**item.body, "status": {"attached": True}})
