"""Views of operations with many nodes, and of blocks that wait for pods elsewhere."""

from jobs.models import (
    Block,
    DrainOptions,
    Holder,
    NodePlan,
    NodeStatus,
    NodeView,
    NotReady,
    OperationEnd,
    OperationPlan,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionState,
    QuestionView,
    Refusal,
    RefusalReason,
    Settlement,
    Unwell,
    Verdict,
)
from tests.bot.messages import samples
from tests.bot.messages.samples import BO, MINUTE, T0

CANARY = DrainOptions(canary=1, soak=600, max_failures=0)
REFUSALS = tuple(
    Refusal(pod=samples.DB_2.model_copy(update={"namespace": "web", "name": name, "uid": name}),
            reasons=(reason,))
    for name, reason in (
        ("debug", RefusalReason.UNMANAGED), ("cache-0", RefusalReason.EMPTYDIR),
    )
)  # fmt: skip
PLAN = OperationPlan(
    nodes=(
        NodePlan(name="node-17", uid="n17", evict=21, refusals=REFUSALS),
        NodePlan(name="node-18", uid="n18", evict=20),
        NodePlan(name="node-19", uid="n19", evict=20),
    ),
    digest="d3",
    as_of=T0,
)
WAITING = tuple(NodeView(name=f"node-{n}") for n in (17, 18, 19))
FIRST = samples.NODE_18.model_copy(update={"name": "node-17"})


def waits_for_pods() -> QuestionView:
    """A budget that may let its pods go once others are ready, which another operation evicted."""
    block = samples.BLOCK.model_copy(
        update={
            "verdict": Verdict.MAY_PASS,
            "help": "",
            "budgets": (samples.BUDGET.model_copy(update={"current_healthy": 2}),),
            "not_ready": (
                NotReady(
                    pod="payments/db-1",
                    since=T0 + 2 * MINUTE,
                    why="0/3 nodes are available: 3 Insufficient cpu.",
                ),
                NotReady(pod="payments/db-0", since=T0 + 8 * MINUTE, why="CrashLoopBackOff"),
            ),
            "held_by": (Holder(operation="prod-eu-9xk2aa", at=T0 + 8 * MINUTE + 40_000),),
        }
    )
    return samples.question(blocks=(block,))


def policy_refuses() -> QuestionView:
    """An eviction that a policy of the cluster's own refuses."""
    words = "pods \"db-2\" is forbidden: ValidatingAdmissionPolicy 'hours' denied request"
    block = Block(
        pod=samples.DB_2, kind="webhook", verdict=Verdict.NEVER, message=words, since=T0
    )  # fmt: skip
    return samples.question(blocks=(block,))


def start() -> QuestionView:
    """A plan that refuses two pods, and waits for Start."""
    return samples.start(choices=("start", "evict_anyway", "abort"), refusals=REFUSALS)


def approval() -> tuple[QuestionView, ...]:
    """The same, where Start was said and approval is wanted as well."""
    said = Settlement(choice="evict_anyway", by=(BO,), at=T0 + MINUTE)
    return (
        start().model_copy(update={"state": QuestionState.SETTLED, "settled": said}),
        samples.approval(
            detail="To be evicted anyway, within budgets: web/debug, web/cache-0.", votes=()
        ),
    )


def canary() -> QuestionView:
    """A canary that was skipped."""
    return samples.question(
        id="prod-eu-q-canary000001",
        kind=QuestionKind.CANARY,
        node="",
        choices=("go_on", "abort"),
        blocks=(),
        detail="node-17: skipped by T01DEMO:U02BOB",
        pods_left=0,
        pods_total=0,
        thread_key="canary",
    )


def ill_canary() -> QuestionView:
    """A canary whose workload fell ill while it was watched."""
    waits = NotReady(pod="payments/db-1", since=T0 + 11 * MINUTE, why="CrashLoopBackOff")
    ill = Unwell(owner=samples.OWNER.model_copy(update={"ready": 2}), ready_before=3, pods=(waits,))
    return canary().model_copy(update={"detail": "", "unwell": (ill,)})


FLEETS: dict[str, OperationView] = {
    "canary_ill": samples.operation(
        options=CANARY,
        plan=PLAN,
        nodes=(FIRST, *WAITING[1:]),
        questions=(ill_canary(),),
        log=(),
    ),
    "gone_as_expected": samples.ended(
        options=DrainOptions(expect_gone=True),
        nodes=(
            samples.NODE_17.model_copy(
                update={"status": NodeStatus.GONE, "detail": "the node disappeared"}
            ),
            samples.NODE_18,
        ),
        questions=(),
    ),
    "waits_for_pods": samples.operation(questions=(waits_for_pods(),), log=()),
    "policy_refuses": samples.operation(questions=(policy_refuses(),), log=()),
    "start_refusals": samples.operation(
        state=OperationState.CONFIRMING,
        options=CANARY,
        plan=PLAN,
        nodes=WAITING,
        questions=(start(),),
        log=(),
    ),
    "approval_anyway": samples.operation(
        state=OperationState.APPROVING, plan=PLAN, nodes=WAITING, questions=approval(), log=()
    ),
    "soaking": samples.operation(
        options=CANARY,
        plan=PLAN,
        nodes=(FIRST, *WAITING[1:]),
        questions=(),
        log=(),
        soaking_until=T0 + 30 * MINUTE,
    ),
    "canary": samples.operation(
        options=CANARY,
        plan=PLAN,
        nodes=(samples.NODE_17.model_copy(update={"status": NodeStatus.SKIPPED}), *WAITING[1:]),
        questions=(canary(),),
        log=(),
    ),
    "too_many_failures": samples.ended(
        end=OperationEnd.PARTLY,
        detail="node-17 failed: no other node begins, as --max-failures=0 says",
        options=CANARY,
        nodes=(
            samples.NODE_17.model_copy(
                update={"status": NodeStatus.FAILED, "detail": "it is not ours any more"}
            ),
            samples.NODE_18,
            NodeView(
                name="node-19",
                status=NodeStatus.STOPPED,
                detail="node-17 failed: no other node begins, as --max-failures=0 says",
            ),
        ),
        questions=(),
    ),
}
