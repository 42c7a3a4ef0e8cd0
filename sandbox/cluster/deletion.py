"""How an object ends: graceful deletion of pods, finalizers. Pure functions.

The rules are those of k8s.io/apiserver/pkg/registry/rest/delete.go (`BeforeDelete`) and
pkg/registry/core/pod/strategy.go (`CheckGracefulDelete`).
"""

from dataclasses import dataclass

from sandbox.cluster.errors import conflict
from sandbox.cluster.objects import Item, Json, with_metadata
from sandbox.cluster.resources import Resource
from sandbox.cluster.times import parse, stamp

__all__ = ["Step", "check_preconditions", "delete_pod", "held_no_longer", "mark_ending"]


@dataclass(frozen=True)
class Step:
    """What a delete does: write this body (None: nothing new), and then perhaps remove it."""

    body: Json | None
    remove: bool


def _grace(pod: Item, asked: int | None) -> int:
    """Return the seconds a pod gets to stop, at its first deletion."""
    if not pod.spec.get("nodeName") or pod.status.get("phase") in ("Failed", "Succeeded"):
        return 0  # nothing runs that could be stopped
    if asked is None:
        asked = pod.spec.get("terminationGracePeriodSeconds", 0)
    return 1 if asked < 0 else asked


def delete_pod(pod: Item, asked: int | None, now: float) -> Step:
    """Begin, shorten or finish the deletion of a pod. ``asked`` is the grace wanted, in seconds.

    The grace of a pod that is ending already can only be shortened.
    """
    kept = bool(pod.metadata.get("finalizers"))
    if not pod.ending:
        grace = _grace(pod, asked)
        body = with_metadata(
            pod.body,
            deletionTimestamp=stamp(now + grace),
            deletionGracePeriodSeconds=grace,
            generation=pod.metadata.get("generation", 0) + 1,
        )
        return Step(body, remove=grace == 0 and not kept)
    present: int = pod.metadata.get("deletionGracePeriodSeconds", 0)
    if present == 0:
        return Step(None, remove=not kept)
    if asked is not None and asked < 0:
        asked = 1
    if asked is None or asked >= present:
        return Step(None, remove=False)
    ends = parse(pod.metadata["deletionTimestamp"]) - present + asked
    if ends < int(now):  # never into the past; what was to be graceful stays so
        ends, asked = now, min(asked, 1)
    body = with_metadata(pod.body, deletionTimestamp=stamp(ends), deletionGracePeriodSeconds=asked)
    return Step(body, remove=asked == 0 and not kept)


def check_preconditions(resource: Resource, item: Item, preconditions: Json | None) -> None:
    """Raise ApiError 409 if the object is not the one, or not the version, that was meant."""
    wanted = preconditions or {}
    uid, version = wanted.get("uid"), wanted.get("resourceVersion")
    if uid and uid != item.uid:
        raise conflict(
            resource,
            item.key.name,
            f"the UID in the precondition ({uid}) does not match the UID in record ({item.uid}). "
            "The object might have been deleted and then recreated",
        )
    present = item.metadata["resourceVersion"]
    if version and version != present:
        raise conflict(
            resource,
            item.key.name,
            f"the ResourceVersion in the precondition ({version}) does not match the "
            f"ResourceVersion in record ({present}). The object might have been modified",
        )


def held_no_longer(body: Json) -> bool:
    """Whether the object's deletion waited for finalizers only, and the last one is gone."""
    metadata = body["metadata"]
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("finalizers")
        and metadata.get("deletionGracePeriodSeconds", 0) == 0
    )


def mark_ending(item: Item, now: float) -> Json:
    """Return the body of an object whose finalizers hold its deletion up."""
    if item.ending:
        return item.body
    generation = item.metadata.get("generation")
    return with_metadata(
        item.body,
        deletionTimestamp=stamp(now),
        deletionGracePeriodSeconds=0,
        generation=generation + 1 if generation else None,
    )
