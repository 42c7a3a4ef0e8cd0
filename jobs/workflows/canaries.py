"""The nodes that go first, alone: how they did, and whether the others may follow them."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.drain.fleet import Fleet
from jobs.durable import Ended, Question, Timer
from jobs.models import NodeStatus, QuestionKind
from jobs.workflows import choices
from jobs.workflows.inputs import OperationInput
from jobs.workflows.story import Story


def prove(operation: OperationInput, story: Story, fleet: Fleet, ended: Mapping[str, Ended]) -> str:
    """Soak, look once more, and ask if something went wrong with the canaries.

    Returns `go_on`, `abort` (which is carried out) or `stop`: nobody answered. What went wrong is
    asked about before any soak; who then says *go on* lets the others begin at once.
    """
    wrong = _wrong(fleet, ended)
    if not wrong:
        _soak(operation, story, fleet)
        return choices.GO_ON
    return _ask(operation, story, wrong)


def _soak(operation: OperationInput, story: Story, fleet: Fleet) -> None:
    seconds = operation.request.options.soak
    if not seconds:
        return
    ctx = story.ctx
    story.soaking_until = ctx.now() + seconds * 1000
    ctx.log("soaking", until=story.soaking_until, nodes=", ".join(fleet.nodes[: fleet.canaries]))
    story.show()
    ctx.sleep("soak", seconds)
    story.soaking_until = 0
    story.show()


def _wrong(fleet: Fleet, ended: Mapping[str, Ended]) -> list[str]:
    """Say of each canary that was not drained how it ended."""
    words = {NodeStatus.GONE: "it disappeared from the cluster"}
    return [
        f"{name}: {detail_of(ended[name]) or words.get(fleet.ended[name]) or fleet.ended[name]}"
        for name in fleet.undrained
    ]


def _ask(
    operation: OperationInput, story: Story, wrong: Sequence[str], unwell: Sequence[Any] = ()
) -> str:
    needs, ctx = operation.requirements, story.ctx
    notices = {"remind": needs.remind_after}
    if needs.escalate_to:
        notices["escalate"] = needs.escalate_after
    payload = {"thread_key": "canary", "detail": "\n".join(wrong), "unwell": list(unwell)}
    question = Question(
        QuestionKind.CANARY,
        payload,
        choices.CANARY,
        notices=notices,
        stop_after=needs.stop_after,
    )
    fired = ctx.first(
        "ask:canary", answer=question, stop=Timer(needs.stop_after, movable=True)
    )  # fmt: skip
    if fired.name == "stop":
        ctx.log("canary_unanswered")
        return "stop"
    choice, by = fired.value["choice"], fired.value["by"]
    if choice == choices.GO_ON:
        ctx.log("went_on", by=", ".join(by))
        return choices.GO_ON

    def abort(who: str, reason: str) -> str:
        return ctx.resources.store.control(
            ctx.id, "abort", by=who, reason=reason, call=f"{ctx.id}:abort"
        )

    with ctx.shield():
        ctx.step("abort:canary", abort, by[0], fired.value["note"])
    return choices.ABORT


def detail_of(child: Ended) -> str:
    """Return how a node's drain ended, in its own words."""
    if child.state != "done":
        return str((child.result or {}).get("error", "")) or f"its drain {child.state}"
    return str(child.result.get("detail", ""))
