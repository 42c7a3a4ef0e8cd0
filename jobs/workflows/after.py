"""After a node is empty: its volumes are detached, then its workloads are well again."""

from collections.abc import Mapping
from typing import Any

from jobs.activities.volumes import wait_until_detached
from jobs.activities.wellness import wait_until_well
from jobs.durable import Aborted, Fired, Question, Signal, StepFailed, Timer
from jobs.models import NodeStatus, QuestionKind
from jobs.workflows import choices
from jobs.workflows.aborting import abort_operation
from jobs.workflows.asking import notices, votes
from jobs.workflows.dead import bury
from jobs.workflows.endings import end, gone, leave, unanswered
from jobs.workflows.node_state import NodeDrain
from jobs.workflows.telling import tell_blocked

AGAIN: dict[str, Any] = {"status": "again"}  # no end: the node is looked at from the top again


def detach(node: NodeDrain, turn: int) -> Any:
    """Wait until the volumes are detached, and ask if they stay; None to go on with the node.

    Else the node's end, or :data:`AGAIN`.
    """
    if node.drain.options.no_wait_volumes or node.volumes_anyway:
        return None
    outcome = _detached(node, turn)
    if outcome["outcome"] == "gone":
        return gone(node, "the node disappeared")
    if outcome["outcome"] == "detached":
        node.facts = {"volumes_detached": True}
        return None
    node.facts = {"volumes": outcome["volumes"]}
    asked_at = node.ctx.now()
    fired = _ask_volumes(node, turn, outcome)
    node.postponed += (fired.at - asked_at) / 1000  # people's time is not the drain's
    return _act_on_volumes(node, turn, fired)


def _detached(node: NodeDrain, turn: int) -> Any:
    needs, ctx = node.drain.requirements, node.ctx
    try:
        return ctx.activity(
            f"volumes:{turn}", wait_until_detached, **node.common(), total=node.pods["total"],
            gone=node.pods["gone"], ask_at=ctx.now() + int(needs.ask_after * 1000),
        )  # fmt: skip
    except StepFailed as failed:  # such as a right that is missing: people may know better
        return {
            "outcome": "unknown", "volumes": [], "attachments": [], "node_ready": True,
            "detail": str(failed),
        }  # fmt: skip


def _ask_volumes(node: NodeDrain, turn: int, outcome: Mapping[str, Any]) -> Fired:
    detail = outcome.get("detail", "")
    node.show(NodeStatus.BLOCKED, detail or "volumes stay attached to it")
    tell_blocked(node, turn, detail or f"still attached: {', '.join(outcome['volumes'])}", [])
    offered: tuple[str, ...] = choices.VOLUMES
    if detail:
        offered = (choices.RETRY, *offered)
    if not outcome["node_ready"]:
        offered = choices.with_dead(offered)
    names = outcome["attachments"]
    return _ask(
        node, f"ask:volumes:{turn}", "volumes", QuestionKind.VOLUMES, offered,
        {"volumes": outcome["volumes"], "detail": detail},
        watching={"volumes": names} if names else None,
    )  # fmt: skip


def _act_on_volumes(node: NodeDrain, turn: int, fired: Fired) -> Any:
    if fired.name == "stop":
        return unanswered(node)
    if fired.name == "freed":
        node.log("detached")
        return AGAIN
    choice, by = fired.value["choice"], ", ".join(fired.value["by"])
    if choice == choices.GO_ON:
        node.volumes_anyway = True
        node.log("attached_anyway", by=by, volumes=", ".join(node.facts["volumes"]))
    elif choice == choices.NODE_IS_DEAD:
        return bury(node, turn, (), by=by) or AGAIN
    elif choice != choices.RETRY:
        return leave(node, f"volumes:{turn}", fired.value)
    return AGAIN


def show_drained(node: NodeDrain, detail: str = "") -> None:
    """Show the node as drained; as safe only if nobody went on past volumes that are attached."""
    node.show(NodeStatus.DRAINED, detail, safe_to_power_off=not node.volumes_anyway)


def settle(node: NodeDrain, rounds: int) -> Any:
    """Wait until the workloads are as well as before, and ask if they aren't in time.

    The node is drained, or returned, whatever comes; this is its end, or None after so many
    `rounds`: what is left then wants a fresh history.
    """
    try:
        for turn in range(1, rounds):
            ended = _settle(node, turn)
            if ended is not None:
                return ended
    except Aborted:
        return _over(node)
    return None


def _settle(node: NodeDrain, turn: int) -> Any:
    ctx, needs = node.ctx, node.drain.requirements
    owners = node.owners.get("owners", ())
    if not owners or not node.evicted_any:
        return _over(node)
    shown = {"shown_as": node.status} if node.status is NodeStatus.RETURNED else {}
    try:
        outcome = ctx.activity(
            f"well:{turn}", wait_until_well, **node.common(), owners=owners,
            since=node.drained_at, ask_at=node.drained_at + int(needs.owners_well_within * 1000),
            **shown,
        )  # fmt: skip
    except StepFailed as failed:
        words = f"whether its workloads are well again can't be told: {failed}"
        outcome = {"well": False, "unwell": [], "detail": words}
    if outcome["well"]:
        node.facts = {**node.facts, "unwell": []}
        return _over(node)
    node.facts = {**node.facts, "unwell": [_words(each) for each in outcome["unwell"]]}
    return _act_on_unwell(node, turn, _ask_unwell(node, turn, outcome))


def _ask_unwell(node: NodeDrain, turn: int, outcome: Mapping[str, Any]) -> Fired:
    detail = outcome.get("detail", "")
    _show(node, detail)
    uids = {each["owner"]["uid"] for each in outcome["unwell"]}
    owners = [o for o in node.owners["owners"] if o["controller"]["uid"] in uids]
    return _ask(
        node, f"ask:well:{turn}", "well", QuestionKind.UNWELL,
        (choices.RETRY, *choices.UNWELL) if detail else choices.UNWELL,
        {"unwell": outcome["unwell"], "detail": detail},
        watching={"owners": owners} if owners else None,
    )  # fmt: skip


def _act_on_unwell(node: NodeDrain, turn: int, fired: Fired) -> Any:
    if fired.name == "stop":
        node.log("unwell_unanswered")
        return {**_over(node), "unanswered": True}
    if fired.name == "freed":
        node.log("well")
        node.facts = {**node.facts, "unwell": []}
        _show(node)
        return None
    ctx, choice, by = node.ctx, fired.value["choice"], ", ".join(fired.value["by"])
    if choice == choices.RETRY:
        return None
    if choice == choices.ABORT:
        abort_operation(ctx, f"abort:well:{turn}", node.drain.operation, fired.value)
    else:
        node.log("unwell_anyway", by=by, workloads=", ".join(node.facts["unwell"]))
    return _over(node)


def _show(node: NodeDrain, detail: str = "") -> None:
    if node.status is NodeStatus.RETURNED:
        node.show(node.status, detail)
    else:
        show_drained(node, detail)


def _over(node: NodeDrain) -> dict[str, Any]:
    """End as drained, or returned; `owners` are for who looks at its workloads once more."""
    unwell = node.facts.get("unwell", [])
    returned = node.status is NodeStatus.RETURNED
    safe: dict[str, Any] = {} if returned else {"safe_to_power_off": not node.volumes_anyway}
    ended = end(node, NodeStatus.RETURNED if returned else NodeStatus.DRAINED, **safe)
    options = node.drain.options
    if options.canary or options.whole_life:
        ended["owners"] = node.owners.get("owners", [])
    if options.whole_life and not returned:
        ended["shown"] = {**node.view(NodeStatus.DRAINED), **safe}
    return {**ended, "unwell": unwell}


def _words(unwell: Mapping[str, Any]) -> str:
    owner = unwell["owner"]
    counts = f"{max(owner['ready'], 0)} of {unwell['needed']} ready"
    return f"{owner['namespace']}/{owner['name']} {counts}"


def _ask(
    node: NodeDrain,
    key: str,
    thread: str,
    kind: QuestionKind,
    offered: tuple[str, ...],
    payload: Mapping[str, Any],
    *,
    watching: Mapping[str, Any] | None,
) -> Fired:
    needs = node.drain.requirements
    counts = {
        "pods_left": node.pods["total"] - node.pods["gone"], "pods_total": node.pods["total"],
    }  # fmt: skip
    asked = {"node": node.drain.node, "thread_key": f"{node.drain.node}:{thread}", **counts}
    free_for = {"free_for": needs.auto_resume_after_free}
    return node.ctx.first(
        key,
        watching=None if watching is None else {**node.common(), **watching, **free_for},
        answer=Question(
            kind,
            {**asked, **payload},
            offered,
            notices=notices(needs),
            votes_needed=votes(needs, offered),
            stop_after=needs.stop_after,
        ),
        freed=Signal("freed"),
        stop=Timer(needs.stop_after, movable=True),
    )
