"""Why a pod can't move, in facts and words, and whether waiting can help.

A budget that is only waiting for a pod to become ready is told from one that can never allow a
disruption with the pods that it covers: people are asked about the second at once.
"""

from collections.abc import Iterable, Sequence

from jobs.drain.answers import (
    Blocked,
    BudgetBroken,
    Busy,
    MissingRight,
    NamespaceEnding,
    Passing,
    TwoBudgets,
    Webhook,
)
from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.pacing import Kept
from jobs.models import Block, BudgetFacts, Verdict

_SCALABLE = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_FEW = 5  # more replicas than this are no advice: changing the budget is
_GOES_ON = "and the drain then goes on alone."


def block_of(
    kept: Kept,
    *,
    budgets: Sequence[Budget],
    owner: Owner | None = None,
    not_ready: Sequence[str] = (),
) -> Block:
    """Say why a pod is kept.

    `budgets` are those known of its namespace, `owner` is what runs it, `not_ready` names the
    pods that its budget waits for (see :func:`not_ready_of`). All may be missing: the server's own
    words then stand alone.
    """
    pod, answer = kept.entry.pod, kept.answer
    block = Block(
        pod=pod.ref,
        kind="busy",
        verdict=Verdict.THROTTLED,
        message=answer.message,
        owner=None if owner is None else owner.ref,
        since=kept.since,
    )
    match answer:
        case Blocked():
            block = block.model_copy(update={"not_ready": tuple(not_ready)})
            return _by_budget(block, pod, answer, budgets, owner)
        case BudgetBroken():
            return _by_broken(block, pod, answer, budgets)
        case TwoBudgets():
            return _by_two(block, pod, budgets)
        case NamespaceEnding():
            helps = "The pod goes with its namespace."
            change = {"kind": "namespace", "verdict": Verdict.MAY_PASS, "help": helps}
        case MissingRight(right=right):
            helps = f"Granting drainbot the right to {right} would." if right else ""
            change = {"kind": "rbac", "verdict": Verdict.NEVER, "help": helps}
        case Webhook(again=again):
            verdict = Verdict.MAY_PASS if again else Verdict.NEVER
            change = {"kind": "webhook", "verdict": verdict}
        case Busy() | Passing():
            change = {}
    return block.model_copy(update=change)


def never(budget: Budget, owner: Owner | None = None) -> bool:
    """Whether a budget can't allow any disruption, however healthy its pods are.

    Reckoned with as many pods as it expects, or as its owner is about to have if those are more:
    a workload that is being scaled up may have room in a moment.
    """
    expected = _expected(budget, owner)
    if expected > 0:
        return budget.desired(expected) >= expected
    return budget.max_unavailable in {0, "0%", "0"} or budget.min_available == "100%"


def is_never(kept: Kept, budgets: Sequence[Budget]) -> bool:
    """Whether waiting can't help a kept pod, as far as can be told without its owner."""
    return block_of(kept, budgets=budgets).verdict is Verdict.NEVER


def not_ready_of(budget: Budget, pods: Iterable[Pod]) -> tuple[str, ...]:
    """Name the pods, on whatever node, that would count for a budget if they were ready."""
    return tuple(
        sorted(
            str(pod)
            for pod in pods
            if budget.covers(pod) and not (pod.ready or pod.finished or pod.terminating)
        )
    )


def _by_budget(
    block: Block,
    pod: Pod,
    answer: Blocked,
    budgets: Sequence[Budget],
    owner: Owner | None,
) -> Block:
    budget = _named(budgets, answer.budget)
    if budget is None:
        facts = BudgetFacts(
            namespace=pod.namespace,
            name=answer.budget,
            desired_healthy=answer.needs,
            current_healthy=answer.has,
        )
        change = {"kind": "budget", "verdict": Verdict.MAY_PASS, "budgets": (facts,)}
        return block.model_copy(update=change)
    hopeless = never(budget, owner)
    return block.model_copy(
        update={
            "kind": "budget",
            "verdict": Verdict.NEVER if hopeless else Verdict.MAY_PASS,
            "budgets": (budget.facts,),
            "help": _would_help(budget, owner) if hopeless else _unready_help(pod, budget),
        }
    )


def _by_broken(block: Block, pod: Pod, answer: BudgetBroken, budgets: Sequence[Budget]) -> Block:
    budget = _named(budgets, answer.budget)
    # A failed sync lasts until a person mends the budget or its pods' owner; an allowance that
    # went wrong is reckoned anew by the disruption controller.
    failed = "failed sync" in answer.message
    helps = "" if failed else f"Budget {answer.budget} mends itself once its controller catches up."
    known = BudgetFacts(namespace=pod.namespace, name=answer.budget)
    return block.model_copy(
        update={
            "kind": "budget_broken",
            "verdict": Verdict.NEVER if failed else Verdict.MAY_PASS,
            "budgets": (known if budget is None else budget.facts,),
            "help": helps,
        }
    )


def _by_two(block: Block, pod: Pod, budgets: Sequence[Budget]) -> Block:
    covering = sorted((b for b in budgets if b.covers(pod)), key=lambda b: b.name)
    names = " and ".join(budget.name for budget in covering) or "them"
    return block.model_copy(
        update={
            "kind": "two_budgets",
            "verdict": Verdict.NEVER,
            "budgets": tuple(budget.facts for budget in covering),
            "help": f"Leaving only one of {names} to select the pod would, {_GOES_ON}",
        }
    )


def _named(budgets: Iterable[Budget], name: str) -> Budget | None:
    return next((budget for budget in budgets if budget.name == name), None)


def _expected(budget: Budget, owner: Owner | None) -> int:
    return max(budget.expected_pods, owner.replicas if owner is not None else 0)


def _would_help(budget: Budget, owner: Owner | None) -> str:
    """Name the smallest change that lets one pod go."""
    rule = "minAvailable" if budget.max_unavailable is None else "maxUnavailable"
    expected = _expected(budget, owner)
    if owner is not None and owner.kind in _SCALABLE and owner.replicas >= 0:
        for more in range(1, _FEW + 1):
            if budget.desired(expected + more) < expected + more:
                return f"Scaling {owner.name} to {owner.replicas + more} would, {_GOES_ON}"
    if rule == "maxUnavailable":
        return f"Setting maxUnavailable of budget {budget.name} to 1 would, {_GOES_ON}"
    return f"Lowering minAvailable of budget {budget.name} would, {_GOES_ON}"


def _unready_help(pod: Pod, budget: Budget) -> str:
    if pod.ready or budget.unhealthy_policy == "AlwaysAllow":
        return ""
    return (
        f"{pod.name} itself is not ready: unhealthyPodEvictionPolicy AlwaysAllow in budget "
        f"{budget.name} would let it go."
    )
