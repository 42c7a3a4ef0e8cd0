"""What an operation would do, and a digest of what matters in it.

The digest is what people confirm and approve. It covers material facts only, so that a pod which
is replaced between the plan and the click does not void anybody's word.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.drain.blocks import never
from jobs.drain.facts import Budget, Node, Owner, Pod
from jobs.drain.fence import token_of
from jobs.drain.filters import Fate, Judgement, Rules, judge, refusal
from jobs.models import NodePlan, OperationPlan, PlannedBlock, RefusalReason

_REPLICATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was read of one node to plan its drain.

    `budgets` are by namespace, `owners` by the uid of the object that controls pods; what is
    missing there is not known, and then not said. `taken_by` names another operation or tool.
    """

    node: Node
    pods: tuple[Pod, ...]
    budgets: Mapping[str, tuple[Budget, ...]] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    taken_by: str = ""

    def owner(self, pod: Pod) -> Owner | None:
        """Return what runs a pod, if it was read."""
        return None if pod.controller is None else self.owners.get(pod.controller.uid)

    def workload(self, pod: Pod) -> str:
        """Return what a pod is of, in a name that outlives it; a pod without an owner is itself."""
        if (owner := self.owner(pod)) is not None:
            return f"{owner.kind} {owner.namespace}/{owner.name}"
        if pod.controller is not None:
            return f"{pod.controller.kind} {pod.namespace}/{pod.controller.name}"
        return f"Pod {pod}"


def operation_plan(surveys: Sequence[Survey], rules: Rules, now: int) -> OperationPlan:
    """Plan an operation: its nodes in the order given. `now` in milliseconds."""
    return OperationPlan(
        nodes=tuple(node_plan(survey, rules, now) for survey in surveys),
        digest=digest(surveys, rules, now),
        as_of=now,
    )


def node_plan(survey: Survey, rules: Rules, now: int) -> NodePlan:
    """Plan the drain of one node: nothing is changed, and nothing but `survey` is looked at."""
    judged = [(pod, judge(pod, rules, now)) for pod in sorted(survey.pods, key=str)]
    fates = Counter(judgement.fate for _, judgement in judged)
    return NodePlan(
        name=survey.node.name,
        uid=survey.node.uid,
        cordoned_before=survey.node.unschedulable,
        ready=survey.node.ready,
        evict=fates[Fate.EVICT],
        daemonset=fates[Fate.LEAVE],
        static=fates[Fate.SKIP],
        terminating=fates[Fate.WAIT],
        refusals=tuple(
            refusal(pod, judgement, survey.owner(pod))
            for pod, judgement in judged
            if judgement.fate is Fate.REFUSE
        ),
        blocks=tuple(_blocks(survey, rules, judged)),
        data_lost=tuple(str(pod) for pod in _losing_data(judged)),
        single_replicas=tuple(sorted(_single(survey, judged))),
        token=token_of(survey.node),
        taken_by=survey.taken_by,
    )


def digest(surveys: Iterable[Survey], rules: Rules, now: int) -> str:
    """Return a digest of the material facts, the same in whatever order they were read.

    They are: node uids, options, refusals, data lost, budgets that can never be met, and single
    replicas. Workloads stand in for their pods, whose names and number do not matter.
    """
    material = {
        "options": rules.options.model_dump(mode="json"),
        "nodes": sorted(json.dumps(_material(survey, rules, now)) for survey in surveys),
    }
    text = json.dumps(material, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _material(survey: Survey, rules: Rules, now: int) -> list[object]:
    judged = [(pod, judge(pod, rules, now)) for pod in survey.pods]
    refusals = {
        (survey.workload(pod), *(reason.value for reason in judgement.reasons))
        for pod, judgement in judged
        if judgement.fate is Fate.REFUSE
    }
    hopeless = {
        (block.budget.namespace, block.budget.name, block.budget.spec)
        for block in _blocks(survey, rules, judged)
        if block.never
    }
    return [
        survey.node.uid,
        sorted(refusals),
        sorted({survey.workload(pod) for pod in _losing_data(judged)}),
        sorted(hopeless),
        sorted(_single(survey, judged)),
    ]


Judged = Sequence[tuple[Pod, Judgement]]


def _to_evict(judged: Judged) -> Iterator[Pod]:
    return (pod for pod, judgement in judged if judgement.fate is Fate.EVICT)


def _losing_data(judged: Judged) -> Iterator[Pod]:
    return (
        pod
        for pod, judgement in judged
        if judgement.fate is Fate.EVICT and RefusalReason.EMPTYDIR in judgement.overridden
    )


def _single(survey: Survey, judged: Judged) -> set[str]:
    """Name the workloads that are down while their only pod moves."""
    owners = (survey.owner(pod) for pod in _to_evict(judged) if not pod.finished)
    return {
        f"{owner.namespace}/{owner.name}"
        for owner in owners
        if owner is not None and owner.replicas == 1 and owner.kind in _REPLICATED
    }


def _blocks(survey: Survey, rules: Rules, judged: Judged) -> Iterator[PlannedBlock]:
    """Find the pods whose eviction would be refused as things stand."""
    if rules.options.disable_eviction:
        return  # a plain delete asks no budget
    for pod in _to_evict(judged):
        if pod.phase == "Pending" or pod.finished:
            continue
        covering = [each for each in survey.budgets.get(pod.namespace, ()) if each.covers(pod)]
        if len(covering) > 1:
            for budget in covering:
                yield PlannedBlock(pod=pod.ref, budget=budget.facts, never=True)
        elif covering and not covering[0].bypassed_by(pod) and not _allows(covering[0]):
            hopeless = never(covering[0], survey.owner(pod))
            yield PlannedBlock(pod=pod.ref, budget=covering[0].facts, never=hopeless)


def _allows(budget: Budget) -> bool:
    return budget.fresh and not budget.sync_failed and budget.disruptions_allowed > 0
