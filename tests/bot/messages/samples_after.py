"""Views of what is not over when a node is empty: volumes, workloads, a node that is dead."""

from jobs.models import (
    NodeStatus,
    NotReady,
    OperationEnd,
    OperationView,
    OwnerRef,
    QuestionKind,
    QuestionView,
    Unwell,
)
from tests.bot.messages import samples
from tests.bot.messages.samples import MINUTE, T0

WEB = Unwell(
    owner=OwnerRef(kind="Deployment", namespace="shop", name="web", uid="w", replicas=3, ready=1),
    ready_before=3,
    needed=3,
    pods=(
        NotReady(
            pod="shop/web-5d-x2",
            since=T0 + 2 * MINUTE,
            why="0/3 nodes are available: 2 Insufficient cpu, 1 node(s) were unschedulable.",
        ),
        NotReady(pod="shop/web-5d-z9", since=T0 + 3 * MINUTE, why="CrashLoopBackOff: back-off 40s"),
    ),
)
BATCH = Unwell(
    owner=OwnerRef(kind="StatefulSet", namespace="etl", name="load", uid="l", replicas=2, ready=1),
    ready_before=2,
    needed=2,
    why='pods "load-1" is forbidden: exceeded quota',
)
DRAINED = samples.NODE_17.model_copy(
    update={
        "status": NodeStatus.DRAINED,
        "pods_gone": 21,
        "waiting_for": (),
        "safe_to_power_off": True,
        "volumes_detached": True,
    }
)
WAITS = DRAINED.model_copy(update={"unwell": ("shop/web 1 of 3 ready",)})
ATTACHED = samples.NODE_17.model_copy(
    update={
        "status": NodeStatus.DRAINING,
        "pods_gone": 21,
        "waiting_for": (),
        "volumes": ("pv-data", "pv-logs"),
    }
)


def unwell() -> QuestionView:
    return samples.question(
        kind=QuestionKind.UNWELL,
        choices=("go_on", "wait", "abort"),
        blocks=(),
        unwell=(WEB, BATCH),
        pods_left=0,
        thread_key="node-17:well",
    )


def volumes() -> QuestionView:
    return samples.question(
        kind=QuestionKind.VOLUMES,
        choices=("go_on", "wait", "node_is_dead", "skip", "abort"),
        blocks=(),
        volumes=("pv-data", "pv-logs"),
        pods_left=0,
        thread_key="node-17:volumes",
    )


def own() -> QuestionView:
    return samples.question(
        kind=QuestionKind.OWN,
        choices=("go_on", "retry", "wait", "skip", "abort"),
        blocks=(),
        detail="The only worker of prod-eu that would be left runs on node-17: when its pod is "
        "evicted nobody finishes this drain until a worker starts elsewhere. The Redis of "
        "drainbot runs on node-17: while it moves every drain stands still, and nothing can be "
        "asked or answered.",
        pods_left=0,
        pods_total=0,
        thread_key="node-17:own",
    )


def freed() -> QuestionView:
    return samples.question(
        kind=QuestionKind.FREED,
        choices=("retry", "skip", "abort"),
        blocks=(),
        detail="payments/db-2 could move now",
        pods_left=1,
    )


def _with(question: QuestionView, node: object) -> OperationView:
    return samples.operation(questions=(question,), nodes=(node, samples.NODE_18), log=())


AFTER: dict[str, OperationView] = {
    "after_unwell": _with(unwell(), WAITS),
    "after_volumes": _with(volumes(), ATTACHED),
    "after_freed": _with(freed(), samples.NODE_17),
    "own": _with(
        own(),
        samples.NODE_17.model_copy(
            update={"pods_gone": 0, "pods_total": 0, "evicted_any": False, "waiting_for": (),
                    "detail": "drainbot itself runs on it"}
        ),
    ),
    "after_waits_for_workloads": samples.operation(
        questions=(), nodes=(WAITS, samples.NODE_18), log=()
    ),
    "after_waits_for_volumes": samples.operation(
        questions=(), nodes=(ATTACHED, samples.NODE_18), log=()
    ),
    "after_detached": samples.ended(
        questions=(), end=OperationEnd.DRAINED, nodes=(DRAINED, samples.NODE_18.model_copy(
            update={"volumes_detached": True, "safe_to_power_off": True}
        )),
    ),
    "after_went_on": samples.ended(
        questions=(),
        end=OperationEnd.DRAINED,
        nodes=(
            DRAINED.model_copy(
                update={
                    "volumes_detached": False,
                    "safe_to_power_off": False,
                    "volumes": ("pv-data",),
                    "unwell": ("shop/web 1 of 3 ready",),
                    "ended_at": T0 + 20 * MINUTE,
                }
            ),
            samples.NODE_18,
        ),
    ),
}  # fmt: skip
