"""Wait until the volumes of the pods that left a node are detached from it."""

from typing import Any

from jobs.activities.trouble import asking_cluster
from jobs.activities.waiting import Patient
from jobs.drain.facts import Attachment
from jobs.drain.volumes import claims_of, left, named
from jobs.durable import Activity
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.pods import list_pods_on
from jobs.kubernetes.volumes import attachments_on, is_attached, volume_of
from jobs.models import NodeStatus
from jobs.resources import Resources


def wait_until_detached(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    total: int,
    gone: int,
    ask_at: int,
) -> dict[str, Any]:
    """Wait, at the longest until `ask_at` (ms), until nothing is attached beyond what stays.

    Returns `{outcome, volumes, attachments, node_ready}`: detached, attached (with the volumes by
    name) or gone, the node. `total` and `gone` count its pods, for who is shown the progress.
    All attachments of the cluster are listed once; after that only this node's are looked at.
    """
    act.tick()
    patient = Patient(act, {"operation": operation, "node": node, "uid": uid}, until=ask_at)
    with asking_cluster(otherwise="it can't be told which volumes are attached"):
        pending = _attached(act, node)
        while pending:
            _show(act, pending, total=total, gone=gone)
            act.tick()
            seen = find_node(act.resources.cluster, node)
            if seen is None or seen.uid != uid:
                return _outcome("gone")
            names = [each.name for each in pending]
            if not patient.left:
                return _outcome("attached", pending, node_ready=seen.ready)
            patient.wait(state=names, watching={"volumes": names})
            pending = tuple(each for each in pending if _is_still(act, each))
    return _outcome("detached")


def _outcome(
    outcome: str, pending: tuple[Attachment, ...] = (), *, node_ready: bool = True
) -> dict[str, Any]:
    return {
        "outcome": outcome, "volumes": list(named(pending)),
        "attachments": [each.name for each in pending], "node_ready": node_ready,
    }  # fmt: skip


def _attached(act: Activity[Resources], node: str) -> tuple[Attachment, ...]:
    """Return what is attached to the node and has to go."""
    cluster = act.resources.cluster
    found = attachments_on(cluster, node)
    if not found:
        return ()
    act.tick()
    pods, _ = list_pods_on(cluster, node)
    staying = set()
    for namespace, claim in claims_of(pods):
        act.tick()
        staying.add(volume_of(cluster, namespace, claim))
    return left(found, frozenset(staying))


def _is_still(act: Activity[Resources], attachment: Attachment) -> bool:
    act.tick()
    return is_attached(act.resources.cluster, attachment.name)


def _show(
    act: Activity[Resources], pending: tuple[Attachment, ...], *, total: int, gone: int
) -> None:
    view = {
        "status": NodeStatus.DRAINING, "pods_total": total, "pods_gone": gone,
        "volumes": list(named(pending)),
    }  # fmt: skip
    act.progress({"view": view})
