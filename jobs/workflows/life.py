"""The life of a node out of service: maintenance, its way back, a fence that is lost.

One workflow tends one node, from what it begins with until the node is back in service, or drained
with nothing left to decide. It is an operation by itself, or a part of one that waits for the node
(see :mod:`jobs.workflows.whole_life`).
"""

from collections.abc import Callable, Mapping
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
from jobs.workflows import choices, whole_life
from jobs.workflows.asking import notices
from jobs.workflows.inputs import DrainInput, LifeInput
from jobs.workflows.life_state import Ctx, NodeLifeState

ROUNDS = 40  # turns until the history starts afresh
LOST = "fence_lost"  # the watcher's signal, with the evidence as its value
Step = Callable[[NodeLifeState, int], Any]
Ways = Mapping[str, Callable[[], Any]]


def node_life(ctx: Ctx, input: Any) -> Any:
    """Tend one node; its result is `{end, detail}` as an operation's.

    As a part of an operation it is `{status, detail, owners}` as that of a drain; with `again` the
    node is to be drained again.
    """
    wanted = LifeInput.model_validate(input)
    life = NodeLifeState(ctx, wanted, by=wanted.requester, away=wanted.away, kept=wanted.kept)
    try:
        if life.is_part:
            return _run_part(life)
        life.show()
        refused = _adopt(life)
        if refused:
            return life.end(OperationEnd.REFUSED, refused)
        return _run(life)
    except Aborted as aborted:
        if not life.is_part:  # else its operation says so
            ctx.log("aborted", by=aborted.by, reason=aborted.reason)
        return life.end(OperationEnd.ABORTED, aborted.reason)
    except StepFailed as failed:
        ctx.log("failed", node=wanted.node, why=str(failed))
        return life.end(OperationEnd.FAILED, str(failed))


def _run_part(life: NodeLifeState) -> Any:
    if life.wanted.begin == _WELL:
        life.mode = "accepting"
        return _well(life, 0)
    taken = whole_life.take(life)
    if isinstance(taken, dict):
        return taken
    return _run(life, _FIRST.get(taken))


def _adopt(life: NodeLifeState) -> str:
    def adopt(node: str, uid: str) -> str:
        return life.ctx.resources.adopt(
            life.ctx.token, life.ctx.id, node, uid, modes=OUT, by=life.by, why=life.wanted.begin
        )

    return life.ctx.step("adopt", adopt, life.wanted.node, life.wanted.uid)


def _run(life: NodeLifeState, first: Step | None = None) -> Any:
    """Go from step to step until one is the end."""
    step = first or _BEGIN[life.wanted.begin]
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
    begins = life.mode != "maintenance"  # else it goes on: its fence holds after all
    expected = life.wanted.expected
    if begins or not life.since:
        life.mode, life.since = "maintenance", life.ctx.now()
        life.until = life.since + expected * 1000 if expected else 0
    refused = _change(
        life, f"maintenance:{turn}", "maintenance", ("drained", "returning"), until=life.until
    )
    if refused:
        return life.end(OperationEnd.REFUSED, refused)
    if begins:
        life.log("maintenance_started", by=life.by, until=life.until)
    life.show()
    fired = _ask(
        life, f"ask:maintenance:{turn}", QuestionKind.MAINTENANCE, choices.IN_MAINTENANCE,
        life.wanted.reason, due=_due(life), fence=Signal(LOST),
    )  # fmt: skip
    if fired.name == "fence":
        life.evidence = str(fired.value or "")
        return _lost
    ways = {choices.RETURN: lambda: _return, choices.KEEP_OUT: lambda: whole_life.keep_out(life)}
    return _chosen(life, turn, fired, ways)


def _due(life: NodeLifeState) -> dict[str, float]:
    """Return when a maintenance is overdue, in seconds from now, and when that is escalated."""
    if not life.until:
        return {}
    needs, left = life.wanted.requirements, max(life.until - life.ctx.now(), 1) / 1000
    late = max(needs.escalate_after - needs.remind_after, 0)
    return {"remind": left} | ({"escalate": left + late} if needs.escalate_to else {})


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
        return _gone(life, turn)
    if found["state"] == "back":
        return _uncordon(life, turn)
    detail = "; ".join(found["lacks"])
    life.log("not_back", why=detail)
    fired = _ask(life, f"ask:back:{turn}", QuestionKind.NOT_BACK, choices.NOT_BACK, detail)
    ways: Ways = {
        choices.RETRY: lambda: _return,
        choices.GO_ON: lambda: _uncordon(life, turn),
        choices.MAINTENANCE: lambda: _maintain,
    }
    return _chosen(life, turn, fired, ways)


def _gone(life: NodeLifeState, turn: int) -> Any:
    life.log("gone", why="while it was given back")
    if life.is_part:  # what is gone is let go of by the look at its fence
        life.ctx.activity(f"gone:{turn}", look_at_fence, **life.common())
    status = NodeStatus.GONE if life.is_part else NodeStatus.DRAINED
    said = f"{life.wanted.node} is gone, or not ours any more"
    return life.end(OperationEnd.FAILED, said, status=status)


def _uncordon(life: NodeLifeState, turn: int) -> Any:
    # Shielded: after a death in between, an abort would leave a node as cordoned that is not.
    with life.ctx.shield():
        undone = life.ctx.activity(
            f"uncordon:{turn}", undo_cordon, **life.common(), even_if_evicted=True, by=life.by,
            why="returned to service",
        )  # fmt: skip
    if not undone["undone"]:
        return life.end(OperationEnd.FAILED, undone["what"])
    life.mode, life.kept = "accepting", undone["kept"]
    life.log("returned", by=life.by, away=life.away, why=undone["what"])
    if life.is_part:
        return _well
    return life.end(OperationEnd.DRAINED, undone["what"], status=NodeStatus.SKIPPED)


def _lost(life: NodeLifeState, turn: int) -> Any:
    """Say that the fence is lost, with the evidence; nothing is done but what a person chooses."""
    found = life.ctx.activity(f"look:{turn}", look_at_fence, **life.common())
    if found["state"] == "held" and life.mode != LOST:
        life.log("fence_holds", evidence=life.evidence or life.wanted.evidence)
        still = life.mode == "maintenance"
        return _maintain if still else life.end(OperationEnd.DRAINED, "its fence holds again")
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
        life, f"ask:lost:{turn}", QuestionKind.FENCE_LOST, choices.FENCE_LOST, life.evidence,
        fence=Signal(LOST),
    )  # fmt: skip
    if fired.name == "fence":  # the node itself is gone by now: nothing of this can be done
        return _lost
    ways: Ways = {
        choices.GIVE_BACK: lambda: _return,
        choices.DRAIN_AGAIN: lambda: _drain_again(life, turn),
        choices.DECLARE_VALID: lambda: _valid(life, turn),
    }
    return _chosen(life, turn, fired, ways)


def _valid(life: NodeLifeState, turn: int) -> Any:
    said = life.ctx.activity(f"valid:{turn}", declare_valid, **life.common(), by=life.by)
    if said["refused"]:
        life.log("not_valid", why=said["refused"])
        return _lost
    life.mode = "drained"
    life.log("declared_valid", by=life.by)
    if life.is_part:
        return _maintain
    return life.end(OperationEnd.DRAINED, f"declared valid by {life.by}")


def _drain_again(life: NodeLifeState, turn: int) -> Any:
    life.log("drained_again", by=life.by)
    if life.is_part:  # its operation does, as it did before
        return {**life.end(OperationEnd.ABORTED), "again": True}
    wanted = life.wanted
    drain = DrainInput(
        operation=life.ctx.id, node=wanted.node, uid=wanted.uid, options=wanted.options,
        requirements=wanted.requirements, requester=wanted.requester, reason=wanted.reason,
    )  # fmt: skip
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


def _well(life: NodeLifeState, _turn: int) -> Any:
    return whole_life.well_again(life)


_WELL = "well"
_BEGIN: dict[str, Step] = {
    "maintenance": _maintain, "return": _return, LOST: _lost, _WELL: _well,
}  # fmt: skip
# How a part of an operation goes on with a node that it took in a mode, other than it was to begin.
_FIRST: dict[str, Step] = {LOST: _lost, "accepting": _well}


def _chosen(life: NodeLifeState, turn: int, fired: Fired, ways: Ways) -> Any:
    """Go the way that a person chose; to abort is one wherever it is offered."""
    life.by = ", ".join(fired.value["by"])
    if fired.value["choice"] == choices.ABORT:
        return whole_life.abort(life, turn, fired.value)
    return ways[fired.value["choice"]]()


def _change(
    life: NodeLifeState, key: str, to: str, came_from: tuple[str, ...], *, why: str = "",
    **noted: int,
) -> str:  # fmt: skip
    """Change the mode as the step `key`; returns in words why not, or ""."""
    allowed = [mode for mode in came_from if mode != to]
    changed = life.ctx.activity(
        key, change_mode, operation=life.operation, node=life.wanted.node, came_from=allowed, to=to,
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
    # A node of an operation is tended anew after it was drained again: those are other questions.
    asked = f"{life.ctx.id}:{key}" if life.is_part else key
    payload = {"node": name, "thread_key": f"{name}:{kind.value}:{asked}", "detail": detail}
    when = notices(life.wanted.requirements) if due is None else due
    question = Question(kind, payload, whole_life.offered(life, offered), notices=when)
    if fence is None:
        return life.ctx.first(key, answer=question)
    return life.ctx.first(key, answer=question, fence=fence)
