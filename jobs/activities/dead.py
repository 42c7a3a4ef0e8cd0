"""A node that a person declared dead: the out-of-service taint, and the end of its pods.

With the taint on a node that is NotReady, Kubernetes deletes the pods that no kubelet can end any
more, and detaches their volumes without the node's consent:
https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
"""

from typing import Any

from jobs.activities.cordon import claimed_token
from jobs.activities.trouble import asking_cluster
from jobs.activities.waiting import Patient
from jobs.drain.dead import Declared, Refused, taint_patch
from jobs.drain.facts import Node
from jobs.drain.fence import Claim
from jobs.durable import Activity
from jobs.kubernetes.nodes import TRIES, find_node, patch_node
from jobs.kubernetes.pods import list_pods_on
from jobs.resources import Resources


def declare_dead(
    act: Activity[Resources], *, operation: str, node: str, uid: str
) -> dict[str, Any]:
    """Set the taint under our claim; `{result, detail}`: tainted, refused (with why) or gone.

    A node that is Ready again, or not ours any more, is left alone.
    """
    for _ in range(TRIES):
        act.tick()
        with asking_cluster(otherwise=f"{node} can't be marked as out of service"):
            seen = find_node(act.resources.cluster, node)
            if seen is None or seen.uid != uid:
                return {"result": "gone", "detail": f"there is no node {node} any more"}
            decided = taint_patch(seen, _claim(act, operation, seen))
            if isinstance(decided, Refused):
                return {"result": "refused", "detail": f"{node} {decided.why}"}
            # The taint takes pods away as evictions do, so it needs the same leave.
            if act.permit(bucket="", rate=0, burst=0).leave != "ok":
                act.rest(until=0)
            if isinstance(decided, Declared) or patch_node(
                act.resources.cluster, node, decided, timeout=act.time_left()
            ):
                return {"result": "tainted", "detail": ""}
    return {"result": "refused", "detail": f"{node} changes all the time: try again"}


def wait_for_the_dead(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    pods: list[dict[str, Any]],
    until: int,
) -> dict[str, Any]:
    """Wait, at the longest until `until` (ms), until these pods are gone; `{left}`: how many."""
    wanted = {pod["uid"] for pod in pods}
    patient = Patient(act, {"operation": operation, "node": node, "uid": uid}, until=until)
    with asking_cluster():
        while True:
            act.tick()
            found, _ = list_pods_on(act.resources.cluster, node)
            there = sorted({pod.uid for pod in found} & wanted)
            if not there or not patient.left:
                return {"left": len(there)}
            waited = [pod for pod in pods if pod["uid"] in there]
            patient.wait(state=there, watching={"pods": waited})


def _claim(act: Activity[Resources], operation: str, seen: Node) -> Claim:
    token = claimed_token(act, operation, seen)
    return Claim(node=seen.name, uid=seen.uid, operation=operation, token=token)
