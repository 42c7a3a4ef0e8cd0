"""What the life of a node does only as a part of an operation, with `--then=wait`.

The operation drained the node, waits until it is back in service, and goes on with the next one.
"""

from typing import Any

from jobs.activities.tending import take_to_tend
from jobs.models import NodeStatus, OperationEnd
from jobs.workflows import choices
from jobs.workflows.aborting import abort_operation
from jobs.workflows.after import settle
from jobs.workflows.inputs import DrainInput
from jobs.workflows.life_state import NodeLifeState
from jobs.workflows.node_state import NodeDrain

ROUNDS = 40  # looks at its workloads until the history starts afresh


def take(life: NodeLifeState) -> Any:
    """Take the node to tend it; returns the mode that it is in, or the end of its part.

    A person may have given it back since it was drained, or an operation of its own tended it.
    """
    wanted = life.wanted
    life.mode = "drained"
    life.show()
    found = life.ctx.activity(
        "take", take_to_tend, **life.common(), by=life.by, why=wanted.begin
    )  # fmt: skip
    if found["mode"] == "gone":
        life.log("gone", why="after it was drained")
        return life.end(OperationEnd.FAILED, "the node disappeared", status=NodeStatus.GONE)
    if found["mode"] in {"draining", "taken"}:
        said = f"op {found['by']} drains it now" if "by" in found else "it was left half drained"
        return life.end(OperationEnd.FAILED, said)
    life.mode = found["mode"]
    if life.mode == "accepting":
        life.away = life.ctx.now() - int(wanted.shown.get("started_at", life.ctx.now()))
        life.log("returned", away=life.away, why="somebody gave it back meanwhile")
    return life.mode


def well_again(life: NodeLifeState) -> dict[str, Any]:
    """Wait until the workloads of a node that is back are well, and ask if they aren't in time."""
    wanted, ctx = life.wanted, life.ctx
    shown = wanted.shown
    node = NodeDrain(
        ctx,
        DrainInput(
            operation=life.operation, node=wanted.node, uid=wanted.uid, options=wanted.options,
            requirements=wanted.requirements, requester=wanted.requester, reason=wanted.reason,
        ),
        started=shown.get("started_at", 0),
        was_cordoned=shown.get("cordoned_before", False),
        status=NodeStatus.RETURNED,
        evicted_any=shown.get("evicted_any", False) or bool(wanted.owners),
        pods={"total": shown.get("pods_total", 0), "gone": shown.get("pods_gone", 0)},
        forced=list(shown.get("forced", ())),
        owners={"owners": list(wanted.owners)},
        drained_at=wanted.returned_at or ctx.now(),
        facts={"life": life.life(), "cordon_kept": life.kept},
    )  # fmt: skip
    node.show(NodeStatus.RETURNED)
    ended = settle(node, ROUNDS)
    if ended is not None:
        return {**ended, "status": NodeStatus.RETURNED}
    later = {"begin": "well", "returned_at": node.drained_at, "away": life.away, "kept": life.kept}
    return ctx.continue_as(wanted.model_copy(update=later).model_dump(mode="json"))


def keep_out(life: NodeLifeState) -> dict[str, Any]:
    """Leave the node in maintenance, because a person said so; its part is over."""
    life.log("kept_out", by=life.by)
    return life.end(OperationEnd.DRAINED, f"left in maintenance by {life.by}")


def abort(life: NodeLifeState, turn: int, settled: dict[str, Any]) -> dict[str, Any]:
    """Abort the operation, because a person answered with that; the node stays as it is."""
    with life.ctx.shield():
        abort_operation(life.ctx, f"abort:{turn}", life.operation, settled)
    return life.end(OperationEnd.ABORTED)


def offered(life: NodeLifeState, choices_alone: tuple[str, ...]) -> tuple[str, ...]:
    """Return what can be answered: as for a node by itself, and what the operation is to do."""
    if not life.is_part:
        return choices_alone
    if choices_alone == choices.IN_MAINTENANCE:
        return choices.UNDER_MAINTENANCE
    return (*choices_alone, choices.ABORT)
