"""Which volumes still tie a node that is empty to its pods of before: decided, without I/O.

A VolumeAttachment that is there may still be written to by the node, so whoever powers it off, or
runs the pod elsewhere, must wait until it is gone. Those of pods that stay (a DaemonSet's, skipped
ones) stay too.
"""

from collections.abc import Iterable

from jobs.drain.facts import Attachment, Pod

Claim = tuple[str, str]  # the namespace and name of a PersistentVolumeClaim


def claims_of(pods: Iterable[Pod]) -> tuple[Claim, ...]:
    """Return the claims of pods that are still on the node, each once."""
    found = {(pod.namespace, claim) for pod in pods if not pod.finished for claim in pod.claims}
    return tuple(sorted(found))


def left(attachments: Iterable[Attachment], staying: frozenset[str]) -> tuple[Attachment, ...]:
    """Return what must go of a node's attachments.

    `staying` names the PersistentVolumes of pods that stay. What is attached without one (an
    in-line volume of a migrated driver) can't be told apart, and counts as left.
    """
    return tuple(each for each in attachments if not (each.volume and each.volume in staying))


def named(attachments: Iterable[Attachment]) -> tuple[str, ...]:
    """Return volumes as people know them: by their PersistentVolume, else by the attachment."""
    return tuple(sorted(each.volume or each.name for each in attachments))
