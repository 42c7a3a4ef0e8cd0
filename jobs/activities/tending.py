"""Tend a node that is out of service: change its mode, look at its fence, wait until it is back.

Nothing here decides: what is wrong is returned in words, and people choose.
"""

import json
import threading
from collections.abc import Sequence
from typing import Any

from jobs.activities.cordon import claimed_token
from jobs.activities.modes import write_mode
from jobs.activities.trouble import asking_cluster
from jobs.drain.dead import untaint_patch
from jobs.drain.facts import Controller, Node, Pod
from jobs.drain.fence import Fence
from jobs.drain.fencing import BROKEN, KEPT_IN, landed, node_evidence, pods_evidence
from jobs.drain.returning import daemonsets_missing, lacks
from jobs.durable import Activity
from jobs.ids import short
from jobs.kubernetes.nodes import TRIES, find_node, patch_node
from jobs.kubernetes.owners import read_owner
from jobs.kubernetes.pods import list_pods_on
from jobs.nodes import Adopted, NodeRecord, Taken, WrongMode
from jobs.resources import Resources

LOOKS = 6  # at a node that comes back, until the slot is freed
PAUSE = 0.5  # seconds between two of them
REST = 2_000  # ms until it looks again after that
LONGEST_REST = 60_000  # ms between two looks at a node that another operation tends
OUT = ("draining", "drained", "maintenance", "returning", "fence_lost")
"""The modes of a node that can be tended: draining is one that an ended operation left so."""


def take_to_tend(
    act: Activity[Resources], *, operation: str, node: str, uid: str, by: str, why: str
) -> dict[str, Any]:
    """Take a node that the operation drained, to tend it; `{mode}`, that it is in, or its end.

    Its end is gone; accepting: somebody gave it back meanwhile; or taken, `by` another operation
    that drains it. An operation of its own that tends it by then, because a person wished so or
    its fence was lost, is waited for.
    """
    act.tick()
    record = act.resources.nodes.record(node)
    if record is None or record.uid != uid or record.mode == "gone":
        return {"mode": "gone"}
    if record.owner not in {"", operation}:
        other = act.resources.store.workflow(record.owner)
        if other is not None and other.name == "operation":
            # Who takes a node that was given back takes it from nobody.
            return {"mode": "taken" if record.before else "accepting", "by": short(record.owner)}
        if other is not None and not other.final:
            waited = act.now() - record.since
            act.rest(until=act.now() + min(max(waited // 10, REST), LONGEST_REST))
    adopted = act.resources.nodes.adopt(act.token, operation, node, uid, modes=OUT, by=by, why=why)
    match adopted:
        case Adopted(mode) | WrongMode(mode):
            return {"mode": mode}
        case Taken():  # by somebody who came just now
            act.rest(until=act.now() + REST)
    return {"mode": "accepting"}


def change_mode(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    came_from: Sequence[str],
    to: str,
    by: str,
    why: str,
    noted: dict[str, str | int],
) -> dict[str, Any]:
    """Change a node's mode and show it on the node; `{refused}` says in words why not, or ""."""
    act.tick()
    changed = act.resources.nodes.change(
        act.token, operation, node, came_from=came_from, to=to, by=by, why=why, noted=noted
    )
    if not changed:
        record = act.resources.nodes.record(node)
        mode = record.mode.replace("_", " ") if record else "not held by drainbot"
        return {"refused": f"{node} is {mode} now, so nothing was changed"}
    with asking_cluster(otherwise=f"the mode of {node} can't be written on it"):
        write_mode(act.resources, node)
    return {"refused": ""}


def look_at_fence(
    act: Activity[Resources], *, operation: str, node: str, uid: str
) -> dict[str, Any]:
    """Look at a fence once more; `{state, evidence, pods}`: held, lost, or gone.

    `pods` are the uids of those that landed on it. What is gone is let go of: there is no node left
    to decide about.
    """
    act.tick()
    record, seen, pods = _look(act, node)
    if record is None or record.owner != operation:
        return {"state": "gone", "evidence": f"{node} is not this operation's any more", "pods": []}
    if seen is None or seen.uid != uid:
        evidence = BROKEN[Fence.GONE if seen is None else Fence.REPLACED]
        for mode, before in (("fence_lost", KEPT_IN), ("gone", OUT)):
            act.resources.nodes.change(
                act.token, operation, node, came_from=before, to=mode, release=mode == "gone",
                why=evidence,
            )  # fmt: skip
        return {"state": "gone", "evidence": evidence, "pods": []}
    evidence = node_evidence(seen, uid=uid, owners=frozenset({record.owner, record.before} - {""}))
    on_it = pods_evidence(pods, record.noted, now=act.now())
    said = "; ".join(part for part in (evidence, on_it) if part)
    uids = sorted(pod.uid for pod in landed(pods, record.noted, now=act.now()))
    return {"state": "lost" if said else "held", "evidence": said, "pods": uids}


def declare_valid(
    act: Activity[Resources], *, operation: str, node: str, uid: str, by: str
) -> dict[str, Any]:
    """Believe a person that a node is as good as drained; `{refused}` says why not, or "".

    Pods that landed on it may stay. That it is cordoned and carries our marks nobody can attest:
    where it is not, new pods may come at any time.
    """
    act.tick()
    record, seen, pods = _look(act, node)
    if record is None or record.owner != operation:
        return {"refused": f"{node} is not this operation's any more"}
    owners = frozenset({record.owner, record.before} - {""})
    evidence = node_evidence(seen, uid=uid, owners=owners)
    if evidence:
        return {"refused": f"{evidence}: drain it again, or give it back"}
    valid = [pod.uid for pod in landed(pods, record.noted, now=act.now())]
    known = json.loads(str(record.noted.get("valid", "[]")))
    return change_mode(
        act, operation=operation, node=node, came_from=["fence_lost"], to="drained",
        by=by, why="declared valid", noted={"valid": json.dumps(sorted({*known, *valid}))},
    )  # fmt: skip


def clear_taint(act: Activity[Resources], *, operation: str, node: str, uid: str) -> None:
    """Take our own taint of a dead node off, so that the pods of DaemonSets can run on it again."""
    for _ in range(TRIES):
        act.tick()
        with asking_cluster(otherwise=f"the taint of {node} can't be taken off"):
            seen = find_node(act.resources.cluster, node)
            if seen is None or seen.uid != uid:
                return
            body = untaint_patch(seen, claimed_token(act, operation, seen))
            if body is None or patch_node(
                act.resources.cluster, node, body, timeout=act.time_left()
            ):
                return


def wait_until_back(
    act: Activity[Resources], *, operation: str, node: str, uid: str, ask_at: int
) -> dict[str, Any]:
    """Wait until a node is as it was, at the longest until `ask_at` (ms); `{state, lacks, away}`.

    `state` is back, not_back or gone; `away` is for how long (ms) it has been out of service.
    It frees its slot between two looks once it has waited for a few seconds.
    """
    for _ in range(LOOKS):
        act.tick()
        record, seen, pods = _look(act, node)
        if record is None or record.owner != operation:
            return {"state": "gone", "lacks": [], "away": 0}
        if seen is None or seen.uid != uid:
            return {"state": "gone", "lacks": [], "away": 0}
        away = act.now() - int(record.noted.get("away_since", act.now()))
        missing = [*lacks(seen, record.noted), *_daemonsets(act, pods, record)]
        if not missing:
            return {"state": "back", "lacks": [], "away": away}
        if act.now() >= ask_at:
            return {"state": "not_back", "lacks": missing, "away": away}
        act.wait(threading.Event(), PAUSE)
    act.rest(until=min(ask_at, act.now() + REST))
    raise AssertionError  # a rest never returns


def _daemonsets(act: Activity[Resources], pods: tuple[Pod, ...], record: NodeRecord) -> list[str]:
    found = []
    for name, uid in daemonsets_missing(pods, record.noted).items():
        act.tick()
        namespace, _, short = name.partition("/")
        controller = Controller(kind="DaemonSet", name=short, uid=uid)
        with asking_cluster():
            if read_owner(act.resources.cluster, namespace, controller) is not None:
                found.append(f"no pod of the DaemonSet {name} is ready on it")
    return found


def _look(
    act: Activity[Resources], node: str
) -> tuple[NodeRecord | None, Node | None, tuple[Pod, ...]]:
    with asking_cluster():
        seen = find_node(act.resources.cluster, node)
        pods, _ = list_pods_on(act.resources.cluster, node)
    return act.resources.nodes.record(node), seen, pods
