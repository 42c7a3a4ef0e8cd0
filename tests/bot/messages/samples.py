"""Views as they come from an operation, for tests of what people read."""

from typing import Any

from jobs.models import (
    Block,
    BudgetFacts,
    LogEntry,
    NodePlan,
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationPlan,
    OperationState,
    OperationView,
    OwnerRef,
    PlannedBlock,
    PodRef,
    QuestionKind,
    QuestionState,
    QuestionView,
    Refusal,
    RefusalReason,
    Room,
    Settlement,
    Verdict,
    Vote,
    WontStop,
)

T0 = 1_789_999_200_000  # 2026-09-21 14:00:00 UTC
MINUTE = 60_000

ANA, BO, CY = "T01DEMO:U01ANA", "T01DEMO:U02BOB", "T01DEMO:U03CY"
SRE = "S0SRE"

DB_2 = PodRef(namespace="payments", name="db-2", uid="uid-db-2")
BUDGET = BudgetFacts(
    namespace="payments",
    name="db",
    spec="minAvailable 3",
    current_healthy=3,
    desired_healthy=3,
    expected_pods=3,
    disruptions_allowed=0,
)
OWNER = OwnerRef(
    kind="StatefulSet", namespace="payments", name="db", uid="uid-db", replicas=3, ready=3
)
BLOCK = Block(
    pod=DB_2,
    kind="budget",
    verdict=Verdict.NEVER,
    message="Cannot evict pod as it would violate the pod's disruption budget.",
    budgets=(BUDGET,),
    owner=OWNER,
    since=T0 + 9 * MINUTE,
    help="Scaling db to 4 would, and the drain then goes on alone.",
)


def question(**changes: Any) -> QuestionView:
    """A block on node-17, open."""
    fields: dict[str, Any] = {
        "id": "prod-eu-q-abcdef123456",
        "cluster": "prod-eu",
        "operation": "prod-eu-7f3k9q",
        "node": "node-17",
        "kind": QuestionKind.BLOCK,
        "choices": ("retry", "wait", "skip", "force", "abort"),
        "blocks": (BLOCK,),
        "pods_left": 1,
        "pods_total": 21,
        "opened_at": T0 + 9 * MINUTE,
        "stop_at": T0 + 69 * MINUTE,
        "thread_key": "node-17-block",
        "version": 4,
    }
    return QuestionView(**{**fields, **changes})


def settled(choice: str = "force", *, note: str = "primary moved") -> QuestionView:
    """The same question, answered by two people."""
    settlement = Settlement(choice=choice, by=(BO, CY), at=T0 + 19 * MINUTE, note=note)
    return question(state=QuestionState.SETTLED, settled=settlement)


def approval(**changes: Any) -> QuestionView:
    """An approval that two people must give, with one vote."""
    fields: dict[str, Any] = {
        "id": "prod-eu-q-approve00001",
        "kind": QuestionKind.APPROVAL,
        "node": "",
        "choices": ("approve", "deny"),
        "votes_needed": {"approve": 2},
        "votes": (Vote(choice="approve", by=BO, at=T0 + MINUTE),),
        "blocks": (),
        "pods_left": 0,
        "pods_total": 0,
        "opened_at": T0,
        "thread_key": "approval",
    }
    return question(**{**fields, **changes})


def start(**changes: Any) -> QuestionView:
    """A plan that waits for Start."""
    fields: dict[str, Any] = {
        "id": "prod-eu-q-start0000001",
        "kind": QuestionKind.START,
        "choices": ("start", "abort"),
        "votes_needed": {},
        "votes": (),
        "thread_key": "start",
    }
    return approval(**{**fields, **changes})


def refusal() -> QuestionView:
    """Two pods that a drain may not touch by itself."""
    return question(
        id="prod-eu-q-refusal00001",
        kind=QuestionKind.REFUSAL,
        choices=("evict_anyway", "wait", "skip", "abort"),
        blocks=(),
        refusals=(
            Refusal(
                pod=PodRef(namespace="web", name="debug", uid="u1"),
                reasons=(RefusalReason.UNMANAGED, RefusalReason.EMPTYDIR),
            ),
            Refusal(
                pod=PodRef(namespace="ml", name="train-0", uid="u2"),
                reasons=(RefusalReason.LONG_WORK,),
            ),
        ),
        pods_left=2,
        thread_key="node-17-refusal",
    )


def wont_stop() -> QuestionView:
    """A pod with a finalizer on a node that is not Ready."""
    return question(
        id="prod-eu-q-wontstop0001",
        kind=QuestionKind.WONT_STOP,
        choices=("keep_waiting", "force", "skip", "node_is_dead", "abort"),
        blocks=(),
        wont_stop=(
            WontStop(
                pod=DB_2, due=T0 + 8 * MINUTE, finalizers=("example.com/hold",), node_ready=False
            ),
        ),
        thread_key="node-17-wont-stop",
    )


def plan() -> OperationPlan:
    """A plan with something of everything."""
    return OperationPlan(
        nodes=(
            NodePlan(
                name="node-17",
                uid="n17",
                evict=21,
                daemonset=7,
                blocks=(PlannedBlock(pod=DB_2, budget=BUDGET, never=True),),
                data_lost=("web/cache-0", "web/cache-1"),
            ),
            NodePlan(
                name="node-18",
                uid="n18",
                evict=20,
                daemonset=7,
                single_replicas=("web/cart",),
                refusals=(
                    Refusal(
                        pod=PodRef(namespace="web", name="debug", uid="u1"),
                        reasons=(RefusalReason.UNMANAGED,),
                    ),
                ),
            ),
        ),
        digest="d1",
        as_of=T0,
        seconds=350,
        room=Room(fits=True),
    )


NODE_17 = NodeView(
    name="node-17",
    uid="n17",
    status=NodeStatus.BLOCKED,
    pods_total=21,
    pods_gone=20,
    evicted_any=True,
    started_at=T0 + 7 * MINUTE,
)
NODE_18 = NodeView(
    name="node-18",
    uid="n18",
    status=NodeStatus.DRAINED,
    pods_total=20,
    pods_gone=20,
    evicted_any=True,
    started_at=T0 + 2 * MINUTE,
    ended_at=T0 + 7 * MINUTE,
    safe_to_power_off=True,
)
LOG = (
    LogEntry(key="c18", what="cordoned", at=T0 + 2 * MINUTE, node="node-18"),
    LogEntry(key="d18", what="drained", at=T0 + 7 * MINUTE, node="node-18", fields={"pods": 20}),
)


def operation(**changes: Any) -> OperationView:
    """Two nodes, one of them blocked."""
    fields: dict[str, Any] = {
        "id": "prod-eu-7f3k9q",
        "cluster": "prod-eu",
        "state": OperationState.RUNNING,
        "requester": ANA,
        "reason": "disk swap, INC-4711",
        "channel": "C01OPS",
        "nodes": (NODE_17, NODE_18),
        "plan": plan(),
        "questions": (question(),),
        "log": LOG,
        "created_at": T0,
        "version": 12,
    }
    return OperationView(**{**fields, **changes})


def ended(**changes: Any) -> OperationView:
    """The same operation, over: one pod was forced."""
    forced = NODE_17.model_copy(
        update={
            "status": NodeStatus.DRAINED,
            "pods_gone": 21,
            "forced": ("payments/db-2",),
            "safe_to_power_off": True,
            "ended_at": T0 + 20 * MINUTE,
        }
    )
    fields: dict[str, Any] = {
        "state": OperationState.ENDED,
        "end": OperationEnd.DRAINED,
        "nodes": (forced, NODE_18),
        "questions": (settled(),),
        "ended_at": T0 + 20 * MINUTE,
        "waited_for_people": 10 * MINUTE,
        "version": 30,
    }
    return operation(**{**fields, **changes})
