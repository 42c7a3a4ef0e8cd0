"""Volumes that are attached to nodes. The API can't select them by node: all are listed, once."""

from jobs.drain.facts import Attachment
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Cluster, segment
from jobs.kubernetes.errors import NotFound
from jobs.kubernetes.watching import Collection, list_all

ATTACHMENTS = Collection("/apis/storage.k8s.io/v1/volumeattachments", parse.attachment)


def attachments_on(cluster: Cluster, node: str) -> tuple[Attachment, ...]:
    """Return what is attached, or about to be, to a node; of the others no page is kept."""
    return list_all(cluster, ATTACHMENTS, keep=lambda each: each.node == node)[0]


def is_attached(cluster: Cluster, attachment: str) -> bool:
    """Whether a VolumeAttachment is still there: it goes when its volume is detached."""
    try:
        cluster.ask("GET", f"{ATTACHMENTS.path}/{segment(attachment)}")
    except NotFound:
        return False
    return True


def volume_of(cluster: Cluster, namespace: str, claim: str) -> str:
    """Return the PersistentVolume of a claim; "" if it has none, or does not exist."""
    path = f"/api/v1/namespaces/{segment(namespace)}/persistentvolumeclaims/{segment(claim)}"
    try:
        raw = cluster.ask("GET", path)
    except NotFound:
        return ""
    return str((raw.get("spec") or {}).get("volumeName") or "")
