"""The drain of one node: cordon, evict until empty or until nothing can move, ask, go on."""

from typing import Any

from jobs.activities.empty import empty_node
from jobs.activities.fence import confirm_drained
from jobs.activities.owners import look_at_owners
from jobs.durable import Aborted, Fired, StepFailed
from jobs.models import NodeStatus, RefusalReason, Requirements
from jobs.workflows import choices
from jobs.workflows.after import AGAIN, detach, settle, show_drained
from jobs.workflows.asking import ask, names, obstacles
from jobs.workflows.dead import bury
from jobs.workflows.endings import end, give_up, gone, leave, let_go, unanswered
from jobs.workflows.inputs import DrainInput
from jobs.workflows.node_state import Ctx, NodeDrain
from jobs.workflows.own import ask_about_own, cordon
from jobs.workflows.telling import tell_drained

ROUNDS = 40  # questions until the history starts afresh


def drain_node(ctx: Ctx, input: Any) -> Any:
    """Drain one node; its result is `{status}`, with a NodeStatus that is final."""
    carried = input.get("carried") or {}
    drain = DrainInput.model_validate(input.get("drain") or input)
    memory = carried or {"evict_anyway": list(drain.evict_anyway)}
    node = NodeDrain(ctx, drain, started=ctx.now(), **memory)
    if node.drained_at:
        return _settled(node)
    node.show(NodeStatus.CORDONING)
    try:
        if not carried:
            failed = _cordon(node)
            if failed is not None:
                return failed
            node.owners = ctx.activity("owners", look_at_owners, node=drain.node)
        return _rounds(node)
    except Aborted:
        with ctx.shield():
            return give_up(node, NodeStatus.ABORTED)
    except StepFailed as failed_step:
        node.log("failed", why=str(failed_step))
        with ctx.shield():
            return give_up(node, NodeStatus.FAILED, str(failed_step))


def _cordon(node: NodeDrain) -> Any:
    cordoned = cordon(node, "cordon")
    if cordoned["result"] != "cordoned":
        if cordoned["result"] == "ended":
            return cordoned["end"]
        if cordoned["result"] == "gone":
            return gone(node, cordoned["detail"])
        node.log("failed", why=cordoned["detail"])
        let_go(node)
        return end(node, NodeStatus.FAILED, cordoned["detail"])
    node.was_cordoned = cordoned["was_cordoned"]
    node.log("cordoned", was_cordoned=int(node.was_cordoned))
    return None


def _rounds(node: NodeDrain) -> Any:
    for turn in range(1, ROUNDS):
        node.rounds += 1
        ended = _round(node, turn)
        if ended is not None:
            return ended
    return _afresh(node)


def _round(node: NodeDrain, turn: int) -> Any:
    """Evict once as far as it goes, and ask if it goes no further; the node's end, or None."""
    node.show(NodeStatus.DRAINING)
    outcome = _empty(node, turn)
    if outcome["outcome"] == "empty":
        held = detach(node, turn)
        if held is not None:
            return None if held is AGAIN else held
        confirmed = _confirm(node, turn)
        if confirmed["state"] == "uncordoned":
            outcome = {**outcome, "outcome": "uncordoned", "detail": confirmed["evidence"]}
        elif confirmed["state"] == "gone":
            return gone(node, confirmed["evidence"])
        else:
            return _drained(node, confirmed)
    if outcome["outcome"] == "gone":
        return gone(node, "the node disappeared")
    if outcome["outcome"] in {"braked", "unbraked", "own"}:
        return _interrupted(node, turn, outcome)
    asked_at = node.ctx.now()
    fired = ask(node, turn, outcome)
    node.postponed += (fired.at - asked_at) / 1000  # people's time is not the drain's
    return _act(node, turn, fired, outcome)


def _empty(node: NodeDrain, turn: int) -> Any:
    outcome = node.ctx.activity(
        f"evict:{turn}",
        empty_node,
        **node.common(),
        options=node.drain.options.model_dump(mode="json"),
        requirements=_patience(node).model_dump(mode="json"),
        decided={
            "evict_anyway": sorted(node.evict_anyway),
            "down_anyway": sorted(node.down_anyway),
            "force": sorted(node.force),
            "named": sorted(node.drain.named),
        },
        owners=node.owners,
        so_far={
            "since": node.ctx.now(),
            "started": node.started,
            "postponed": node.postponed,
            "gone": node.pods["gone"],
            "braked": node.braked,
        },
        **({"own_anyway": sorted(node.own_anyway)} if node.own_anyway else {}),
        **({"turn_of": node.turn_of} if node.force and node.turn_of else {}),
    )
    node.pods = {"total": outcome["total"], "gone": outcome["gone"]}
    node.evicted_any = node.evicted_any or outcome["evicted"] > 0
    node.forced += outcome["forced"]
    node.force = []
    return outcome


def _patience(node: NodeDrain) -> Requirements:
    """Return what the policy says; people who were being asked already don't wait once more."""
    needs = node.drain.requirements
    return needs.model_copy(update={"ask_after": 0.0}) if node.superseded else needs


def _interrupted(node: NodeDrain, turn: int, outcome: dict[str, Any]) -> Any:
    """Ask whether to go on without another worker; or say that evictions wait, or go on again."""
    node.force = outcome["force"]
    if outcome["outcome"] == "own":
        return ask_about_own(node, f"{turn}", outcome)
    node.braked = outcome["outcome"] == "braked"
    node.log(outcome["outcome"], failed=outcome["failed"], calls=outcome["calls"])
    return None


def _act(node: NodeDrain, turn: int, fired: Fired, outcome: dict[str, Any]) -> Any:
    """Carry out what was decided; returns the node's end, or None to go on."""
    if fired.name == "stop":
        return unanswered(node)
    if fired.name == "changed":
        node.log("asked_anew", why=node.because)
        return None
    if fired.name == "freed":
        node.log("freed", pods=names(obstacles(outcome)))
        return None
    ended = _choose(node, turn, fired, outcome)
    if ended is None and outcome["outcome"] == "overdue":
        node.postponed = (fired.at - node.started) / 1000  # all of its time again, from now on
    return ended


def _choose(node: NodeDrain, turn: int, fired: Fired, outcome: dict[str, Any]) -> Any:
    choice, by = fired.value["choice"], ", ".join(fired.value["by"])
    if choice in {choices.SKIP, choices.ABORT}:
        return leave(node, f"{turn}", fired.value)
    if choice == choices.NODE_IS_DEAD:
        return bury(node, turn, outcome["wont_stop"], by=by)
    if choice == choices.EVICT_ANYWAY:
        node.evict_anyway += [refusal["pod"]["uid"] for refusal in outcome["refusals"]]
        node.down_anyway += [
            refusal["pod"]["uid"]
            for refusal in outcome["refusals"]
            if RefusalReason.LAST_READY in refusal["reasons"]
        ]
    elif choice == choices.FORCE:
        past_budgets = obstacles(outcome, "blocks", "wont_stop")
        node.force = [obstacle["pod"]["uid"] for obstacle in past_budgets]
        node.turn_of = fired.questions["answer"] if fired.value.get("of") else ""
        node.log("forced", by=by, pods=names(past_budgets), note=fired.value["note"])
    elif outcome["outcome"] == "uncordoned":
        return _cordon_again(node, turn)
    return None


def _cordon_again(node: NodeDrain, turn: int) -> Any:
    cordoned = cordon(node, f"cordon:{turn}")
    if cordoned["result"] == "cordoned":
        node.log("cordoned", was_cordoned=int(node.was_cordoned))
        return None
    if cordoned["result"] == "ended":
        return cordoned["end"]
    return end(node, NodeStatus.FAILED, cordoned["detail"])


def _confirm(node: NodeDrain, turn: int) -> dict[str, Any]:
    return node.ctx.activity(
        f"confirm:{turn}", confirm_drained, **node.common(),
        options=node.drain.options.model_dump(mode="json"),
        evict_anyway=sorted(node.evict_anyway), by=node.drain.requester, why=node.drain.reason,
    )  # fmt: skip


def _drained(node: NodeDrain, confirmed: dict[str, Any]) -> Any:
    if confirmed["left"]:
        return None
    if not confirmed["held"]:
        return end(node, NodeStatus.FAILED, confirmed["evidence"])
    node.log("drained", pods=node.pods["gone"])
    node.drained_at = node.ctx.now()
    show_drained(node)  # who stands at the rack need not wait
    tell_drained(node)
    return _settled(node)


def _settled(node: NodeDrain) -> Any:
    return settle(node, ROUNDS) or _afresh(node)


def _afresh(node: NodeDrain) -> Any:
    return node.ctx.continue_as(
        {"drain": node.drain.model_dump(mode="json"), "carried": node.carried()}
    )
