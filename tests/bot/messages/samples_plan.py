"""Views of operations that are only planned."""

from jobs.models import (
    DrainOptions,
    NodePlan,
    NodeView,
    OperationEnd,
    OperationPlan,
    OperationState,
    OperationView,
    PlannedBlock,
    PodRef,
    Refusal,
    RefusalReason,
    Room,
)
from tests.bot.messages import samples
from tests.bot.messages.samples import T0

NODES = (NodeView(name="node-17"), NodeView(name="node-18"))


def crowded() -> OperationPlan:
    """A plan with everything that can be wrong."""
    first, second = samples.plan().nodes
    cache = PodRef(namespace="web", name="cache-7", uid="u7")
    both = (RefusalReason.EMPTYDIR, RefusalReason.NOT_SAFE_TO_EVICT)
    queue = samples.BUDGET.model_copy(update={"name": "queue", "namespace": "jobs"})
    waits = tuple(
        PlannedBlock(
            pod=PodRef(namespace="jobs", name=f"queue-{n}", uid=f"q{n}"), budget=queue, never=False
        )
        for n in range(4)
    )
    return OperationPlan(
        nodes=(
            first.model_copy(update={"blocks": (*first.blocks, *waits), "taken_by": "op 9XK2AA"}),
            second.model_copy(
                update={
                    "refusals": (*second.refusals, Refusal(pod=cache, reasons=both)),
                    "refused": "The worker's guardrails protect node-18 (role=gateway).",
                    "static": 2,
                    "not_selected": 1,
                    "terminating": 1,
                    "cordoned_before": True,
                    "own": ("worker", "redis"),
                }
            ),
        ),
        digest="3f9a12bc77d0e1f2",
        as_of=T0,
        seconds=9_000,
        room=Room(
            fits=False, short_cpu=2_450, short_memory=3 * 2**30, too_large=("web/big",), unchecked=3
        ),
        away=3,
        max_away=4,
        too_many_away=True,
        over=("21 nodes are asked for: the policy allows 20 an operation here.",),
    )


def planned(plan: OperationPlan | None) -> OperationView:
    """An operation that ended with its plan."""
    return samples.operation(
        state=OperationState.ENDED,
        end=OperationEnd.PLANNED,
        plan_only=True,
        plan=plan,
        options=DrainOptions(delete_emptydir_data=True, pod_selector="app!=x"),
        nodes=NODES,
        questions=(),
        log=(),
        ended_at=T0 + 12_000,
    )


PLANS: dict[str, OperationView] = {
    "planning": samples.operation(
        state=OperationState.PLANNING,
        plan_only=True,
        plan=None,
        nodes=NODES,
        questions=(),
        log=(),
    ),
    "planned": planned(crowded()),
    "planned_quiet": planned(
        OperationPlan(
            nodes=(NodePlan(name="node-17", uid="n17", evict=12),),
            digest="11aa22bb33cc44dd",
            as_of=T0,
            seconds=46,
            room=Room(why="2 other pods wait for room already"),
        )
    ).model_copy(update={"nodes": NODES[:1], "options": DrainOptions(), "ended_at": T0 + 900}),
}
