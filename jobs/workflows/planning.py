"""The plan of an operation: what it would do, before anybody is asked and anything is touched."""

from jobs.activities.room import look_for_room
from jobs.activities.survey import survey
from jobs.models import OperationPlan, Room
from jobs.workflows.consent import wants_start
from jobs.workflows.inputs import OperationInput
from jobs.workflows.story import Story


def planned(operation: OperationInput, story: Story) -> tuple[OperationPlan | None, str]:
    """Return the plan, which is the story's from then on, or None and why there is none.

    Whether the pods have room elsewhere is looked at only where a person will read it, because
    that reads all pods of the cluster.
    """
    request, needs = operation.request, operation.requirements
    options = request.options.model_dump(mode="json")
    surveyed = story.ctx.activity(
        "survey",
        survey,
        nodes=list(request.nodes),
        options=options,
        requirements=needs.model_dump(mode="json"),
        plan_only=request.plan_only,
    )
    if "refused" in surveyed:
        return None, surveyed["refused"]
    plan = OperationPlan.model_validate(surveyed["plan"])
    plan = plan.model_copy(update={"over": operation.over})
    if request.plan_only or needs.approve_votes or wants_start(needs, plan):
        looked = story.ctx.activity(
            "room",
            look_for_room,
            nodes=list(request.nodes),
            options=options,
            long_work=needs.long_work,
        )
        plan = plan.model_copy(update={"room": Room.model_validate(looked["room"])})
    story.plan = plan
    return plan, ""
