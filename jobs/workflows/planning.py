"""The plan of an operation: what it would do, before anybody is asked and anything is touched."""

from typing import Any

from jobs.activities.room import look_for_room
from jobs.activities.survey import survey
from jobs.drain.plan_changes import plan_changes
from jobs.models import OperationPlan, Requirements, Room
from jobs.workflows.inputs import OperationInput
from jobs.workflows.story import Story


def wants_start(needs: Requirements, plan: OperationPlan) -> bool:
    """Whether the policy of its day wants somebody to say Start to such a plan."""
    return needs.start == "confirm" or (needs.start == "when_noteworthy" and plan.noteworthy)


def survey_of(operation: OperationInput) -> dict[str, Any]:
    """Return what a survey of the operation's nodes is given."""
    return {
        "nodes": list(operation.request.nodes),
        "options": operation.request.options.model_dump(mode="json"),
        "requirements": operation.requirements.model_dump(mode="json"),
        "plan_only": operation.request.plan_only,
    }


def planned(operation: OperationInput, story: Story) -> tuple[OperationPlan | None, str]:
    """Return the plan, which is the story's from then on, or None and why there is none.

    Whether the pods have room elsewhere is looked at only where a person will read it, because
    that reads all pods of the cluster.
    """
    plan, refused = _surveyed(operation, story, "survey")
    if plan is None:
        return None, refused
    needs = operation.requirements
    if operation.request.plan_only or needs.approve_votes or wants_start(needs, plan):
        plan = _with_room(operation, story, plan, "room")
    story.plan = plan
    return plan, ""


def planned_again(operation: OperationInput, story: Story, turn: int) -> tuple[str, str]:
    """Plan anew what people were asked about; the story's plan is the new one from then on.

    Returns what has materially changed, in words, or "", and why there is no plan any more, or "".
    """
    before = story.plan
    plan, refused = _surveyed(operation, story, f"survey:{turn}")
    if plan is None or before is None:
        return "", refused
    changed = plan_changes(before, plan)
    if changed:
        plan = _with_room(operation, story, plan, f"room:{turn}")
    else:
        plan = plan.model_copy(update={"room": before.room})
    story.plan = plan
    return changed, ""


def _surveyed(
    operation: OperationInput, story: Story, key: str
) -> tuple[OperationPlan | None, str]:
    surveyed = story.ctx.activity(key, survey, **survey_of(operation))
    if "refused" in surveyed:
        return None, surveyed["refused"]
    plan = OperationPlan.model_validate(surveyed["plan"])
    return plan.model_copy(update={"over": operation.over}), ""


def _with_room(
    operation: OperationInput, story: Story, plan: OperationPlan, key: str
) -> OperationPlan:
    looked = story.ctx.activity(
        key,
        look_for_room,
        nodes=list(operation.request.nodes),
        options=operation.request.options.model_dump(mode="json"),
        long_work=operation.requirements.long_work,
    )
    return plan.model_copy(update={"room": Room.model_validate(looked["room"])})
