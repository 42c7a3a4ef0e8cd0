"""Volumes that are attached to nodes. The API can't select them by node: all are listed."""

from jobs.drain.facts import Attachment
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Cluster
from jobs.kubernetes.watching import Collection, list_all

ATTACHMENTS = Collection("/apis/storage.k8s.io/v1/volumeattachments", parse.attachment)


def attachments_on(cluster: Cluster, node: str) -> tuple[Attachment, ...]:
    """Return what is attached, or about to be, to a node."""
    found, _ = list_all(cluster, ATTACHMENTS)
    return tuple(each for each in found if each.node == node)
