"""Cordon a node under our claim, and undo that: one guarded patch each."""

import json
from collections.abc import Sequence
from typing import Any

from jobs.activities.announcing import tell, wait_a_moment
from jobs.activities.modes import show_mode
from jobs.activities.trouble import asking_cluster
from jobs.drain.conditions import Stage, Told
from jobs.drain.facts import Node
from jobs.drain.fence import (
    OPERATION,
    Claim,
    Denied,
    Foreign,
    OtherNode,
    Outdated,
    TakenBy,
    Undo,
    token_of,
)
from jobs.drain.fencing import KEPT_IN
from jobs.drain.own import WORKER, own_words
from jobs.durable import Activity, PermanentError
from jobs.hosts import hosts_of
from jobs.ids import IdError, cluster_of
from jobs.kubernetes import Forbidden
from jobs.kubernetes.nodes import Cordoned, cordon, find_node, uncordon
from jobs.nodes import Lost
from jobs.resources import Resources

_BEFORE_DRAIN = ("accepting", "draining", "fence_lost")
UNDONE = {
    Undo.UNCORDON: "our cordon is undone",
    Undo.KEEP: "it was cordoned before and stays so",
    Undo.NOT_CORDONED: "somebody had uncordoned it already",
    Undo.NOTHING: "it carried no cordon of ours",
}


def cordon_node(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    requested_by: str,
    reason: str,
    since: int,
    own_anyway: Sequence[str] = (),
) -> dict[str, Any]:
    """Cordon a node; `{result: cordoned | gone | denied | own, was_cordoned, detail}`.

    `own`: nothing was done, because no worker would be left to finish the drain; people may want it
    all the same (`own_anyway`, the parts of drainbot that may go).
    """
    act.tick()
    with asking_cluster():
        seen = find_node(act.resources.cluster, node)
    if seen is None or seen.uid != uid:
        return _denied("gone", f"there is no node {node} any more")
    if WORKER not in own_anyway and hosts_of(act.resources.store).only_on(node):
        said = own_words([WORKER], node, act.resources.store.group)
        return {**_denied("own", said), "own": [WORKER]}
    claim = _claim(act, operation, seen, requested_by=requested_by, reason=reason, since=since)
    with asking_cluster():
        try:
            result = cordon(act.resources.cluster, claim, timeout=act.time_left(), seen=seen)
        except Forbidden as error:
            raise PermanentError(
                f"drainbot may not cordon {node}, so nothing was evicted. Missing right: "
                f"{error.right or error}"
            ) from error
    if isinstance(result, Cordoned):
        act.resources.nodes.change(
            act.token, operation, node, came_from=_BEFORE_DRAIN, to="draining", by=requested_by,
            why=reason, noted=_before_drain(act, node, result.node, since=since),
        )  # fmt: skip
        before = "it was cordoned before" if result.was_cordoned else ""
        act.resources.last_seen.note(result.node)
        tell(act.resources, _told(act, claim, Stage.STARTED, before))
        show_mode(act.resources, node)
        return {"result": "cordoned", "was_cordoned": result.was_cordoned, "detail": ""}
    if result is None or isinstance(result, OtherNode):
        return _denied("gone", f"node {node} was deleted, or made anew under its name")
    return _denied("denied", whose(node, result))


def undo_cordon(
    act: Activity[Resources],
    *,
    operation: str,
    node: str,
    uid: str,
    even_if_evicted: bool,
    by: str,
    why: str,
) -> dict[str, Any]:
    """Undo our own cordon, unless something was evicted already; `{undone, what, kept, evicted}`.

    `kept`: the node stays cordoned.

    A worker that was taken over may still be at work until its lease has run out in full: nothing
    is undone before that.
    """
    act.tick()
    if act.now() < act.old_lease:
        act.rest(until=act.old_lease)
    record = act.resources.nodes.record(node)
    if record is not None and not record.owner and (record.uid, record.mode) == (uid, "accepting"):
        return _let_go_before(act, node)
    if record is None or record.owner != operation:
        return _kept("the node is not ours")
    if record.evicted and not even_if_evicted:
        return _kept("pods were evicted: it stays cordoned", evicted=True)
    if record.mode in KEPT_IN:  # first, or whoever keeps the fence would find it broken
        act.resources.nodes.change(
            act.token, operation, node, came_from=(record.mode,), to="returning", by=by, why=why
        )
    with asking_cluster():
        seen = find_node(act.resources.cluster, node)
    what, kept = "the node is gone", False
    if seen is not None and seen.uid == uid:
        claim = _claim(act, operation, seen, requested_by=by)
        with asking_cluster(otherwise=f"the cordon of {node} can't be undone"):
            result = uncordon(act.resources.cluster, claim, timeout=act.time_left())
        if isinstance(result, Outdated | TakenBy):
            return _kept(whose(node, result), evicted=record.evicted)
        what = UNDONE[result] if isinstance(result, Undo) else what
        kept = result is Undo.KEEP
        if isinstance(result, Undo):
            _tell_return(act, claim, result)
    act.resources.nodes.change(
        act.token, operation, node, came_from=("returning", record.mode), to="accepting",
        release=True, by=by, why=why,
    )  # fmt: skip
    show_mode(act.resources, node)
    return {"undone": True, "what": what, "kept": kept, "evicted": record.evicted}


def _let_go_before(act: Activity[Resources], node: str) -> dict[str, Any]:
    """Say that it is done: only who has a node lets go of it, and died before that was stored."""
    with asking_cluster():
        seen = find_node(act.resources.cluster, node)
    kept = seen is not None and seen.unschedulable
    what = UNDONE[Undo.KEEP if kept else Undo.UNCORDON]
    return {"undone": True, "what": what, "kept": kept, "evicted": False}


def _before_drain(
    act: Activity[Resources], name: str, node: Node | None, *, since: int
) -> dict[str, str | int]:
    """Note, once, what a return to service is held against: since when, and what it had."""
    record = act.resources.nodes.record(name)
    if node is None or (record is not None and "away_since" in record.noted):
        return {}
    return {"away_since": since, "allocatable": json.dumps(dict(node.allocatable))}


def _tell_return(act: Activity[Resources], claim: Claim, undo: Undo) -> None:
    """Tell that a node was given back, before its record is let go of: a crash tells it again."""
    stage = Stage.RELEASED if undo is Undo.KEEP else Stage.RETURNED
    told = _told(act, claim, stage, UNDONE[undo])
    wait_a_moment(act, tell(act.resources, told, event=undo is not Undo.NOTHING))


def _told(act: Activity[Resources], claim: Claim, stage: Stage, detail: str) -> Told:
    return Told(
        node=claim.node, uid=claim.uid, operation=claim.operation, stage=stage, at=act.now(),
        detail=detail, requested_by=claim.requested_by, reason=claim.reason, thread=claim.thread,
    )  # fmt: skip


def _kept(why: str, *, evicted: bool = False) -> dict[str, Any]:
    return {"undone": False, "what": why, "kept": True, "evicted": evicted}


def _claim(
    act: Activity[Resources],
    operation: str,
    seen: Node,
    *,
    requested_by: str = "",
    reason: str = "",
    since: int = 0,
) -> Claim:
    """Claim a node in Redis, above the counter that it shows."""
    return Claim(
        node=seen.name,
        uid=seen.uid,
        operation=operation,
        token=claimed_token(act, operation, seen),
        requested_by=requested_by,
        reason=reason,
        thread=act.resources.threads.of(operation),
        since=since,
        supersedes=_ended(act, seen.name, seen.annotations.get(OPERATION, "")),
    )


def claimed_token(act: Activity[Resources], operation: str, seen: Node) -> int:
    """Return the token under which an operation may write to its node, above what that shows.

    Raises :class:`PermanentError` where the node is not the operation's any more.
    """
    claimed = act.resources.nodes.claim(
        act.token, operation, seen.name, seen.uid, shown=token_of(seen)
    )
    if isinstance(claimed, Lost):
        whose = f"operation {claimed.owner}" if claimed.owner else "nobody"
        raise PermanentError(f"{seen.name} is not this operation's any more: {whose} has it now")
    return claimed.counter


def _ended(act: Activity[Resources], node: str, owner: str) -> frozenset[str]:
    """Return the operation on the annotation if it is one of ours that is done with the node."""
    if not owner:
        return frozenset()
    record = act.resources.nodes.record(node)
    if record is not None and record.before == owner:
        return frozenset({owner})
    try:
        ours = cluster_of(owner) == act.resources.store.group
    except IdError:
        ours = False
    known = act.resources.store.workflow(owner) if ours else None
    return frozenset({owner}) if known is not None and known.final else frozenset()


def whose(node: str, denied: Denied) -> str:
    """Say why a node was not touched."""
    match denied:
        case TakenBy(operation, requested_by):
            by = f", requested by {requested_by}" if requested_by else ""
            return f"{node} carries the mark of {operation}{by}: it was left alone"
        case Foreign(why):
            return f"{node} was left alone: {why}"
        case Outdated(_, operation):
            return f"{node} was taken over by {operation or 'a later claim'}"
        case _:
            return f"{node} is another node now"


def _denied(result: str, detail: str) -> dict[str, Any]:
    return {"result": result, "was_cordoned": False, "detail": detail}
