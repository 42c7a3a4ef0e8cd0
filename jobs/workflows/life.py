"""The life of a node out of service: maintenance, its way back, a fence that is lost.

One workflow tends one node, from what it begins with until the node is back in service, or drained
with nothing left to decide.
"""

from collections.abc import Callable
from typing import Any

from jobs.activities.cordon import undo_cordon
from jobs.activities.tending import (
    OUT,
    change_mode,
    clear_taint,
    declare_valid,
    look_at_fence,
    wait_until_back,
)
from jobs.durable import Aborted, Fired, Question, Signal, StepFailed
from jobs.models import NodeStatus, OperationEnd, QuestionKind
from jobs.workflows import choices
from jobs.workflows.asking import notices
from jobs.workflows.inputs import DrainInput, LifeInput
from jobs.workflows.life_state import Ctx, NodeLifeState

ROUNDS = 40  # turns until the history starts afresh
LOST = "fence_lost"  # the watcher's signal, with the evidence as its value
Step = Callable[[NodeLifeState, int], Any]


def node_life(ctx: Ctx, input: Any) -> Any:
    """Tend one node; its result is `{end, detail}` as an operation's."""
    wanted = LifeInput.model_validate(input)
    life = NodeLifeState(ctx, wanted, by=wanted.requester)
    life.show()
    try:
        refused = _adopt(life)
        if refused:
            return life.end(OperationEnd.REFUSED, refused)
        return _run(life)
    except Aborted as aborted:
        ctx.log("aborted", by=aborted.by, reason=aborted.reason)
        return life.end(OperationEnd.ABORTED, aborted.reason)
    except StepFailed as failed:
        ctx.log("failed", node=wanted.node, why=str(failed))
        return life.end(OperationEnd.FAILED, str(failed))


def _adopt(life: NodeLifeState) -> str:
    def adopt(node: str, uid: str) -> str:
        return life.ctx.resources.adopt(
            life.ctx.token, life.ctx.id, node, uid, modes=OUT, by=life.by, why=life.wanted.begin
        )

    return life.ctx.step("adopt", adopt, life.wanted.node, life.wanted.uid)


def _run(life: NodeLifeState) -> Any:
    """Go from step to step until one is the end."""
    step = _BEGIN[life.wanted.begin]
    for turn in range(1, ROUNDS):
        went = step(life, turn)
        if isinstance(went, dict):
            return went
        step = went
    begin = next(name for name, each in _BEGIN.items() if each is step)
    again = life.wanted.model_copy(update={"begin": begin, "evidence": life.evidence})
    return life.ctx.continue_as(again.model_dump(mode="json"))


def _maintain(life: NodeLifeState, turn: int) -> Any:
    """Be in maintenance until somebody says that the work is done, or the fence is lost."""
    life.mode, life.since = "maintenance", life.ctx.now()
    expected = life.wanted.expected
    life.until = life.since + expected * 1000 if expected else 0
    refused = _change(
        life, f"maintenance:{turn}", "maintenance", ("drained", "returning"), until=life.until
    )
    if refused:
        return life.end(OperationEnd.REFUSED, refused)
    life.log("maintenance_started", by=life.by, until=life.until)
    life.show()
    needs = life.wanted.requirements
    due = {"remind": float(expected)} if expected else {}
    if expected and needs.escalate_to:
        due["escalate"] = expected + max(needs.escalate_after - needs.remind_after, 0)
    fired = _ask(
        life, f"ask:maintenance:{turn}", QuestionKind.MAINTENANCE, choices.IN_MAINTENANCE,
        life.wanted.reason, due=due, fence=Signal(LOST),
    )  # fmt: skip
    if fired.name == "fence":
        life.evidence = str(fired.value or "")
        return _lost
    life.by = ", ".join(fired.value["by"])
    return _return


def _return(life: NodeLifeState, turn: int) -> Any:
    """Wait until the node is what it was, and give it back; ask where it does not become that."""
    refused = _change(life, f"returning:{turn}", "returning", OUT)
    if refused:
        return life.end(OperationEnd.REFUSED, refused)
    life.mode, life.until, life.evidence = "returning", 0, ""
    life.log("returning", by=life.by)
    life.show()
    life.ctx.activity(f"untaint:{turn}", clear_taint, **life.common())
    within = int(life.wanted.requirements.owners_well_within * 1000)
    found = life.ctx.activity(
        f"back:{turn}", wait_until_back, **life.common(), ask_at=life.ctx.now() + within
    )
    life.away = found["away"]
    if found["state"] == "gone":
        life.log("gone", why="while it was given back")
        return life.end(OperationEnd.FAILED, f"{life.wanted.node} is gone, or not ours any more")
    if found["state"] == "back":
        return _uncordon(life, turn)
    detail = "; ".join(found["lacks"])
    life.log("not_back", why=detail)
    fired = _ask(life, f"ask:back:{turn}", QuestionKind.NOT_BACK, choices.NOT_BACK, detail)
    life.by = ", ".join(fired.value["by"])
    if fired.value["choice"] == choices.GO_ON:
        return _uncordon(life, turn)
    return _maintain if fired.value["choice"] == choices.MAINTENANCE else _return


def _uncordon(life: NodeLifeState, turn: int) -> Any:
    undone = life.ctx.activity(
        f"uncordon:{turn}", undo_cordon, **life.common(), even_if_evicted=True, by=life.by,
        why="returned to service",
    )  # fmt: skip
    if not undone["undone"]:
        return life.end(OperationEnd.FAILED, undone["what"])
    life.mode = "accepting"
    life.log("returned", by=life.by, away=life.away, why=undone["what"])
    return life.end(OperationEnd.DRAINED, undone["what"], status=NodeStatus.SKIPPED)


def _lost(life: NodeLifeState, turn: int) -> Any:
    """Say that the fence is lost, with the evidence; nothing is done but what a person chooses."""
    found = life.ctx.activity(f"look:{turn}", look_at_fence, **life.common())
    if found["state"] == "held" and life.mode != LOST:
        life.log("fence_holds", evidence=life.evidence or life.wanted.evidence)
        return life.end(OperationEnd.DRAINED, "its fence holds again")
    life.evidence = found["evidence"] or "it was lost, and holds again now"
    life.mode = LOST
    if found["state"] == "gone":
        life.log("fence_lost", evidence=life.evidence)
        return life.end(OperationEnd.FAILED, life.evidence, status=NodeStatus.GONE)
    refused = _change(life, f"lost:{turn}", LOST, ("drained", "maintenance"), why=life.evidence)
    if refused:
        return life.end(OperationEnd.REFUSED, refused)
    life.log("fence_lost", evidence=life.evidence)
    life.show()
    fired = _ask(
        life, f"ask:lost:{turn}", QuestionKind.FENCE_LOST, choices.FENCE_LOST, life.evidence
    )
    life.by = ", ".join(fired.value["by"])
    match fired.value["choice"]:
        case choices.GIVE_BACK:
            return _return
        case choices.DRAIN_AGAIN:
            return _drain_again(life, turn)
    return _valid(life, turn)


def _valid(life: NodeLifeState, turn: int) -> Any:
    said = life.ctx.activity(f"valid:{turn}", declare_valid, **life.common(), by=life.by)
    if said["refused"]:
        life.log("not_valid", why=said["refused"])
        return _lost
    life.mode = "drained"
    life.log("declared_valid", by=life.by)
    return life.end(OperationEnd.DRAINED, f"declared valid by {life.by}")


def _drain_again(life: NodeLifeState, turn: int) -> Any:
    wanted = life.wanted
    drain = DrainInput(
        operation=life.ctx.id, node=wanted.node, uid=wanted.uid, options=wanted.options,
        requirements=wanted.requirements, requester=wanted.requester, reason=wanted.reason,
    )  # fmt: skip
    life.log("drained_again", by=life.by)
    life.mode = "draining"
    life.show()
    view = {"name": wanted.node, "uid": wanted.uid, "status": NodeStatus.CORDONING}
    child = life.ctx.spawn(f"again:{turn}", "drain_node", drain.model_dump(mode="json"), view=view)
    (ended,) = life.ctx.wait_for(f"again:{turn}:ended", [child], need=1)
    status = NodeStatus(ended.result["status"]) if ended.state == "done" else NodeStatus.FAILED
    life.mode = "drained" if status is NodeStatus.DRAINED else life.mode
    end = {
        NodeStatus.DRAINED: OperationEnd.DRAINED, NodeStatus.STOPPED: OperationEnd.STOPPED,
        NodeStatus.ABORTED: OperationEnd.ABORTED,
    }.get(status, OperationEnd.FAILED)  # fmt: skip
    return life.end(end, str((ended.result or {}).get("detail", "")), status=status)


_BEGIN: dict[str, Step] = {"maintenance": _maintain, "return": _return, LOST: _lost}


def _change(
    life: NodeLifeState, key: str, to: str, came_from: tuple[str, ...], *, why: str = "",
    **noted: int,
) -> str:  # fmt: skip
    """Change the mode as the step `key`; returns in words why not, or ""."""
    allowed = [mode for mode in came_from if mode != to]
    changed = life.ctx.activity(
        key, change_mode, operation=life.ctx.id, node=life.wanted.node, came_from=allowed, to=to,
        by=life.by, why=why or life.wanted.reason, noted=noted,
    )  # fmt: skip
    return str(changed["refused"])


def _ask(
    life: NodeLifeState,
    key: str,
    kind: QuestionKind,
    offered: tuple[str, ...],
    detail: str,
    *,
    due: dict[str, float] | None = None,
    fence: Signal | None = None,
) -> Fired:
    """Ask, for as long as it takes: a node that nobody answers for stays as it is."""
    name = life.wanted.node
    payload = {"node": name, "thread_key": f"{name}:{kind.value}:{key}", "detail": detail}
    when = notices(life.wanted.requirements) if due is None else due
    question = Question(kind, payload, offered, notices=when)
    if fence is None:
        return life.ctx.first(key, answer=question)
    return life.ctx.first(key, answer=question, fence=fence)
