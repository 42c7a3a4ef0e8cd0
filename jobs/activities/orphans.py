"""Find cordons of ours that no operation stands behind, and undo one: only ours, only our marks."""

from typing import Any

from jobs.activities.announcing import tell, wait_a_moment
from jobs.activities.cordon import UNDONE, whose
from jobs.activities.trouble import asking_cluster
from jobs.drain.conditions import Stage, Told
from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION, REASON, REQUESTED_BY, SINCE, Claim, Undo, token_of
from jobs.drain.orphans import Holding, Known, cordoned_before, holding
from jobs.durable import Activity, PermanentError
from jobs.ids import IdError, cluster_of
from jobs.kubernetes.nodes import find_node, list_nodes, uncordon
from jobs.models import OrphanView
from jobs.modes import Mode
from jobs.nodes import Lost, Reservation, Taken
from jobs.resources import Resources

_ANY_MODE = tuple(Mode)  # a reservation has ended what was gone
_NO_LIMIT = 2**31  # an undo takes no node away
_NOT_ORPHANED = {
    Holding.NOBODY: "it carries no mark of drainbot's (any more)",
    Holding.AT_WORK: "an operation is at work on it",
    Holding.KEPT: "an operation that has ended keeps it: uncordon gives it back",
    Holding.FOREIGN: "the mark is another drainbot's",
}


def find_orphans(act: Activity[Resources]) -> dict[str, Any]:
    """Look at all nodes; `{orphans: [OrphanView…]}`, those of other drainbots among them."""
    act.tick()
    with asking_cluster():
        nodes = list_nodes(act.resources.cluster)
    found = []
    for node in nodes:
        act.tick()
        held = holding(node, known_of(act.resources, node))
        if held in {Holding.ORPHAN, Holding.FOREIGN}:
            found.append(orphan_view(node, foreign=held is Holding.FOREIGN).model_dump(mode="json"))
    return {"orphans": found}


def undo_orphan(
    act: Activity[Resources], *, operation: str, node: str, uid: str, orphan: str, by: str
) -> dict[str, Any]:
    """Undo the cordon that an operation left and nobody owns; `{undone, what}`.

    The node is taken over by `operation` first, so that nobody begins to drain it meanwhile, and
    its token is raised: a worker that slept since finds itself outdated.
    """
    act.tick()
    with asking_cluster():
        seen = find_node(act.resources.cluster, node)
    if seen is None or seen.uid != uid:
        return _left("the node is gone")
    record = act.resources.nodes.record(node)
    before = record is not None and record.owner == operation  # a run that died was here
    held = holding(seen, known_of(act.resources, seen, but=operation))
    if held is not Holding.ORPHAN and not (before and held is Holding.NOBODY):
        _release(act, operation, node, by)
        return _left(_NOT_ORPHANED[held])
    wanted = [Reservation(node, uid, token_of(seen))]
    taken = act.resources.nodes.reserve(
        act.token, operation, wanted, max_away=_NO_LIMIT, by=by, why="orphaned cordon"
    )
    if isinstance(taken, Taken):
        return _left(_NOT_ORPHANED[Holding.AT_WORK])
    claimed = act.resources.nodes.claim(act.token, operation, node, uid, shown=token_of(seen))
    if isinstance(claimed, Lost):
        return _left(_NOT_ORPHANED[Holding.AT_WORK])
    claim = Claim(
        node=node, uid=uid, operation=operation, token=claimed.counter, requested_by=by,
        supersedes=frozenset({orphan}),
    )  # fmt: skip
    try:
        undone = _undo(act, claim)
    except PermanentError:
        _release(act, operation, node, by)
        raise
    _release(act, operation, node, by)
    return undone


def _undo(act: Activity[Resources], claim: Claim) -> dict[str, Any]:
    with asking_cluster(otherwise=f"the cordon of {claim.node} can't be undone"):
        result = uncordon(act.resources.cluster, claim, timeout=act.time_left())
    if result is None:
        return _left("the node is gone")
    if not isinstance(result, Undo):
        return _left(whose(claim.node, result))
    told = Told(
        node=claim.node, uid=claim.uid, operation=claim.operation,
        stage=Stage.RELEASED if result is Undo.KEEP else Stage.RETURNED, at=act.now(),
        detail=f"{UNDONE[result]}; no operation stood behind it", requested_by=claim.requested_by,
    )  # fmt: skip
    wait_a_moment(act, tell(act.resources, told, event=result is not Undo.NOTHING))
    return {"undone": True, "what": UNDONE[result]}


def _release(act: Activity[Resources], operation: str, node: str, by: str) -> None:
    """Let go of the node, if it is this operation's."""
    act.resources.nodes.change(
        act.token, operation, node, came_from=_ANY_MODE, to="accepting", release=True,
        by=by, why="orphaned cordon undone",
    )  # fmt: skip


def known_of(resources: Resources, node: Node, *, but: str = "") -> Known:
    """Return what Redis knows; `but` is an operation whose own hold does not count."""
    operation = node.annotations.get(OPERATION, "")
    store, record = resources.store, resources.nodes.record(node.name)
    owner = record.owner if record is not None and record.uid == node.uid else ""
    owner = "" if owner == but else owner
    try:
        ours = bool(operation) and cluster_of(operation) == store.group
    except IdError:
        ours = False
    named = store.workflow(operation) if ours else None
    holder = store.workflow(owner) if owner else None
    return Known(
        ours=ours, exists=named is not None, live=named is not None and not named.final,
        owner=owner, owner_live=holder is not None and not holder.final,
    )  # fmt: skip


def orphan_view(node: Node, *, foreign: bool) -> OrphanView:
    """Return what the marks of a node say."""
    marks = node.annotations
    return OrphanView(
        node=node.name, uid=node.uid, operation=marks.get(OPERATION, ""),
        since=marks.get(SINCE, ""), requested_by=marks.get(REQUESTED_BY, ""),
        reason=marks.get(REASON, ""), cordoned=node.unschedulable,
        stays_cordoned=cordoned_before(node), foreign=foreign,
    )  # fmt: skip


def _left(what: str) -> dict[str, Any]:
    return {"undone": False, "what": what}
