"""Why a pod can't move, in facts and words, and whether waiting can help.

A budget that is only waiting for a pod to become ready is told from one that can never allow a
disruption with the pods that it covers: people are asked about the second at once. What a budget
reckons with is said as the disruption controller does it (pkg/controller/disruption, trySync,
getExpectedPodCount): a number as minAvailable counts the pods that are there; percentages and
maxUnavailable count what the pods' owners want, and pods without an owner not at all.
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
from jobs.drain.board import Refusing
from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.pacing import Kept
from jobs.models import Block, BudgetFacts, Holder, NotReady, Verdict

NOT_READY_MOST = 10  # pods that a block names: those that are not ready for longest

_SCALABLE = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_FEW = 5  # more replicas than this are no advice: changing the budget is
_GOES_ON = "and the drain then goes on alone."
# What the disruption controller says of owners whose wish it can't read (getExpectedScale and
# getScaleController): no later look changes that.
_UNCOUNTABLE = ("found no controllers for pod", "does not implement the scale subresource")


def block_of(
    kept: Kept,
    *,
    budgets: Sequence[Budget],
    owner: Owner | None = None,
    covered: Sequence[Pod] | None = None,
    held_by: Sequence[Holder] = (),
) -> Block:
    """Say why a pod is kept.

    `budgets` are those known of its namespace, `owner` is what runs it. `covered` are all pods
    that its budget selects, on whatever node, and `held_by` other operations that evicted under
    it. All may be missing: the server's own words then stand alone.
    """
    return block_by(
        kept.entry.pod, kept.answer, since=kept.since, budgets=budgets, owner=owner,
        covered=covered, held_by=held_by,
    )  # fmt: skip


def block_by(
    pod: Pod,
    answer: Refusing,
    *,
    since: int,
    budgets: Sequence[Budget],
    owner: Owner | None = None,
    covered: Sequence[Pod] | None = None,
    held_by: Sequence[Holder] = (),
) -> Block:
    """Say why an eviction got that answer since then (ms); the others as :func:`block_of`."""
    block = Block(
        pod=pod.ref,
        kind="busy",
        verdict=Verdict.THROTTLED,
        message=answer.message,
        owner=None if owner is None else owner.ref,
        since=since,
    )
    match answer:
        case Blocked():
            known = {"not_ready": not_ready_of(covered or ()), "held_by": tuple(held_by)}
            block = block.model_copy(update=known)
            return _by_budget(block, pod, answer, budgets, owner, covered)
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


def never(
    budget: Budget,
    owner: Owner | None = None,
    covered: Sequence[Pod] | None = None,
    *,
    unowned: bool = False,
) -> bool:
    """Whether a budget can't allow any disruption, however healthy its pods are.

    Reckoned with as many pods as it expects, or as its owner is about to have if those are more:
    a workload that is being scaled up may have room in a moment. `covered` are the pods that it
    selects, where they are known; `unowned`: the pod in question has no controlling owner. One that
    its controller can't work out is hopeless if that is because of the pods' owners.
    """
    if budget.sync_failed:
        return any(words in budget.sync_failed for words in _UNCOUNTABLE)
    wanted = owner.replicas if owner is not None else 0
    expected = max(budget.expected_pods, wanted)
    if expected <= 0:
        if budget.max_unavailable in {0, "0%", "0"} or budget.min_available == "100%":
            return True
        # It expects no pod at all, and then allows nothing, whatever its rule says.
        return unowned and budget.fresh and not _by_number(budget)
    lasting = sum(_lasts(pod) for pod in covered or ())
    if covered is not None and _by_number(budget):
        return budget.desired(expected) >= max(wanted, lasting)
    return budget.desired(expected) >= max(expected, lasting)


def is_never(kept: Kept, budgets: Sequence[Budget], owner: Owner | None = None) -> bool:
    """Whether waiting can't help a kept pod, as far as can be told without a look at its pods."""
    return block_of(kept, budgets=budgets, owner=owner).verdict is Verdict.NEVER


def not_ready_of(covered: Iterable[Pod]) -> tuple[NotReady, ...]:
    """Name the pods of a budget that would count for it if they were ready, and why they aren't.

    Those that are not ready for longest, at most :data:`NOT_READY_MOST`.
    """
    found = [pod.not_ready for pod in covered if not (pod.ready or pod.finished or pod.terminating)]
    found.sort(key=lambda each: (not each.since, each.since, each.pod))
    return tuple(found[:NOT_READY_MOST])


def _by_number(budget: Budget) -> bool:
    return budget.max_unavailable is None and isinstance(budget.min_available, int)


def _lasts(pod: Pod) -> bool:
    """Whether a pod may count as healthy one day: itself, or what its owner puts in its place."""
    return not pod.finished and not (pod.terminating and pod.controller is None)


def _by_budget(
    block: Block,
    pod: Pod,
    answer: Blocked,
    budgets: Sequence[Budget],
    owner: Owner | None,
    covered: Sequence[Pod] | None,
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
    if budget.sync_failed:  # older servers refuse with counts that mean nothing then
        return _failed(block, budget.facts, budget.name, budget.sync_failed)
    unowned = pod.controller is None
    hopeless = never(budget, owner, covered, unowned=unowned)
    if hopeless:
        helps = _would_help(budget, owner, unowned=unowned)
    else:
        helps = _may_help(pod, budget, owner, block)
    return block.model_copy(
        update={
            "kind": "budget",
            "verdict": Verdict.NEVER if hopeless else Verdict.MAY_PASS,
            "budgets": (budget.facts,),
            "help": helps,
        }
    )


def _by_broken(block: Block, pod: Pod, answer: BudgetBroken, budgets: Sequence[Budget]) -> Block:
    budget = _named(budgets, answer.budget)
    known = BudgetFacts(namespace=pod.namespace, name=answer.budget)
    facts = known if budget is None else budget.facts
    if answer.sync_failed:
        return _failed(block, facts, answer.budget, answer.sync_failed)
    # An allowance that went wrong is reckoned anew by the disruption controller.
    return block.model_copy(
        update={
            "kind": "budget_broken",
            "verdict": Verdict.MAY_PASS,
            "budgets": (facts,),
            "help": f"Budget {answer.budget} mends itself once its controller catches up.",
        }
    )


def _failed(block: Block, facts: BudgetFacts, name: str, why: str) -> Block:
    """Say that the controller can't work a budget out, which it tries again and again."""
    hopeless = any(words in why for words in _UNCOUNTABLE)
    helps = f"Giving budget {name} a number as minAvailable would, {_GOES_ON}"
    return block.model_copy(
        update={
            "kind": "budget_broken",
            "verdict": Verdict.NEVER if hopeless else Verdict.MAY_PASS,
            "message": block.message if why in block.message else why,
            "budgets": (facts,),
            "help": helps if hopeless else f"The controller of budget {name} tries it again.",
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


def _would_help(budget: Budget, owner: Owner | None, *, unowned: bool) -> str:
    """Name the smallest change that lets one pod go."""
    rule = "minAvailable" if budget.max_unavailable is None else "maxUnavailable"
    expected = max(budget.expected_pods, owner.replicas if owner is not None else 0)
    if unowned and expected <= 0 and not _by_number(budget):
        return (
            f"Budget {budget.name} counts no pods without an owner: giving it a number as "
            f"minAvailable would, {_GOES_ON}"
        )
    if owner is not None and owner.kind in _SCALABLE and owner.replicas >= 0:
        for more in range(1, _FEW + 1):
            if budget.desired(expected + more) < expected + more:
                return f"Scaling {owner.name} to {owner.replicas + more} would, {_GOES_ON}"
    if rule == "maxUnavailable":
        return f"Setting maxUnavailable of budget {budget.name} to 1 would, {_GOES_ON}"
    return f"Lowering minAvailable of budget {budget.name} would, {_GOES_ON}"


def _may_help(pod: Pod, budget: Budget, owner: Owner | None, block: Block) -> str:
    """Say what a budget waits for, as far as no pod that is not ready says it."""
    if not budget.fresh:
        return f"The cluster has not counted the pods of budget {budget.name} yet."
    if owner is not None and owner.replicas == 0:
        return f"{owner.kind} {owner.name} is scaled to 0: its pods are about to go."
    if not pod.ready and budget.unhealthy_policy != "AlwaysAllow":
        return (
            f"{pod.name} itself is not ready: unhealthyPodEvictionPolicy AlwaysAllow in budget "
            f"{budget.name} would let it go."
        )
    return "" if block.not_ready else _on_its_way(budget, owner)


def _on_its_way(budget: Budget, owner: Owner | None) -> str:
    """Say what a budget waits for where all pods that are there are ready."""
    if budget.current_healthy > budget.desired_healthy:
        return f"An eviction under budget {budget.name} was let pass just now: its counts follow."
    if owner is not None and 0 <= owner.ready < owner.replicas:
        missing = owner.replicas - owner.ready
        return f"{owner.kind} {owner.name} has {missing} of its {owner.replicas} pods to start."
    return ""
