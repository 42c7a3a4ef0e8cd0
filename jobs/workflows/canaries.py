"""The nodes that go first, alone: how they did, and whether the others may follow them."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.activities.wellness import look_once
from jobs.drain.fleet import Fleet
from jobs.durable import Ended, Question, StepFailed, Timer
from jobs.models import NodeStatus, QuestionKind
from jobs.workflows import choices
from jobs.workflows.aborting import abort_operation
from jobs.workflows.asking import notices
from jobs.workflows.inputs import OperationInput
from jobs.workflows.story import Story


def prove(operation: OperationInput, story: Story, fleet: Fleet, ended: Mapping[str, Ended]) -> str:
    """Soak, look once more, and ask if something went wrong with the canaries.

    Returns `go_on`, `abort` (which is carried out) or `stop`: nobody answered. A canary that was
    not drained is asked about before any soak; who says *go on* lets the others begin at once.
    """
    wrong = _wrong(fleet, ended)
    unwell: list[dict[str, Any]] = []
    if not wrong and operation.request.options.soak:
        _soak(operation, story, fleet)
        wrong, unwell = _look(story, fleet, ended)
    if not wrong and not unwell:
        return choices.GO_ON
    return _ask(operation, story, wrong, unwell)


def _soak(operation: OperationInput, story: Story, fleet: Fleet) -> None:
    seconds, ctx = operation.request.options.soak, story.ctx
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


def _look(
    story: Story, fleet: Fleet, ended: Mapping[str, Ended]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what can't be told, and the canaries' workloads that are not well now."""
    owners: dict[str, dict[str, Any]] = {}
    for name in fleet.nodes[: fleet.canaries]:
        for owner in ended[name].result.get("owners", ()):
            # The first look came before all evictions; a later canary's may have come after some.
            owners.setdefault(owner["controller"]["uid"], owner)
    try:
        outcome = story.ctx.activity("canaries", look_once, owners=list(owners.values()))
    except StepFailed as failed:
        return [f"whether the canaries' workloads are well can't be told: {failed}"], []
    return [], outcome["unwell"]


def _ask(
    operation: OperationInput, story: Story, wrong: Sequence[str], unwell: Sequence[Any]
) -> str:
    needs, ctx = operation.requirements, story.ctx
    payload = {"thread_key": "canary", "detail": "\n".join(wrong), "unwell": list(unwell)}
    question = Question(
        QuestionKind.CANARY,
        payload,
        choices.CANARY,
        notices=notices(needs),
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
    with ctx.shield():
        abort_operation(ctx, "abort:canary", ctx.id, fired.value)
    return choices.ABORT


def detail_of(child: Ended) -> str:
    """Return how a node's drain ended, in its own words."""
    if child.state != "done":
        return str((child.result or {}).get("error", "")) or f"its drain {child.state}"
    return str(child.result.get("detail", ""))
