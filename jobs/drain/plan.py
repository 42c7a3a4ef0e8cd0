"""What an operation would do, and a digest of what matters in it.

The digest is what people confirm and approve. It covers material facts only, so that a pod which
is replaced between the plan and the click does not void anybody's word.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from jobs.drain.blocks import never
from jobs.drain.estimate import Speed, node_seconds, operation_seconds
from jobs.drain.facts import Budget, Node, Owner, Pod
from jobs.drain.fence import token_of
from jobs.drain.filters import Fate, Judgement, Rules, judge, refusal
from jobs.models import (
    DrainOptions,
    NodePlan,
    OperationPlan,
    PlannedBlock,
    Refusal,
    RefusalReason,
)

_SPEED = Speed()
_REPLICATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})

Judged = Sequence[tuple[Pod, Judgement]]
Owners = Mapping[str, Owner]


def operation_plan(
    nodes: Sequence[NodePlan],
    options: DrainOptions,
    *,
    now: int,
    nodes_away: int = 1,
    speed: Speed = _SPEED,
) -> OperationPlan:
    """Put the plans of an operation's nodes together, in their order. `now` in milliseconds.

    At most `nodes_away` of them are to be away at once.
    """
    each = [(node.seconds, node.evict) for node in nodes]
    known = all(seconds >= 0 for seconds, _ in each)
    return OperationPlan(
        nodes=tuple(nodes),
        digest=digest(nodes, options),
        as_of=now,
        seconds=operation_seconds(each, away=nodes_away, speed=speed, options=options)
        if known
        else -1,
    )


def node_plan(
    node: Node,
    pods: Sequence[Pod],
    *,
    budgets: Sequence[Budget],
    owners: Owners,
    rules: Rules,
    now: int,
    taken_by: str = "",
    refused: str = "",
    speed: Speed = _SPEED,
) -> NodePlan:
    """Plan the drain of one node; nothing is changed.

    `budgets` are those of the pods' namespaces, `owners` by the uid of the object that controls a
    pod; what is missing is not known, and then not said. `data_lost` and `single_replicas` name
    workloads, which outlive their pods; a pod without an owner stands for itself. `refused` is a
    sentence on why no drain of the node begins, where there is one.
    """
    judged = [(pod, judge(pod, rules, now)) for pod in sorted(pods, key=str)]
    fates = Counter(judgement.fate for _, judgement in judged)
    moving, going = _of(judged, Fate.EVICT), _of(judged, Fate.WAIT)
    return NodePlan(
        name=node.name,
        uid=node.uid,
        cordoned_before=node.unschedulable,
        ready=node.ready,
        evict=fates[Fate.EVICT],
        daemonset=fates[Fate.LEAVE],
        static=fates[Fate.SKIP],
        terminating=fates[Fate.WAIT],
        not_selected=fates[Fate.NOT_SELECTED],
        refusals=tuple(
            refusal(pod, judgement, _owner(pod, owners))
            for pod, judgement in judged
            if judgement.fate is Fate.REFUSE
        ),
        blocks=tuple(_blocks(judged, budgets, owners, rules)),
        data_lost=tuple(sorted(_losing_data(judged, owners))),
        single_replicas=tuple(sorted(_single(judged, owners))),
        token=token_of(node),
        taken_by=taken_by,
        refused=refused,
        seconds=node_seconds(
            moving, going, budgets=_passable(budgets, owners, moving), speed=speed,
            options=rules.options, now=now,
        ),
    )  # fmt: skip


def digest(nodes: Iterable[NodePlan], options: DrainOptions) -> str:
    """Return a digest of the material facts, the same in whatever order the nodes stand.

    They are: node uids, options, refusals, data lost, budgets that can never be met, and single
    replicas. Workloads stand in for their pods, whose names and number do not matter.
    """
    material = {
        "options": options.model_dump(mode="json"),
        "nodes": sorted(json.dumps(_material(node)) for node in nodes),
    }
    text = json.dumps(material, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _material(node: NodePlan) -> list[object]:
    hopeless = {
        (block.budget.namespace, block.budget.name, block.budget.spec)
        for block in node.blocks
        if block.never
    }
    return [
        node.uid,
        sorted({_refused(each) for each in node.refusals}),
        sorted(set(node.data_lost)),
        sorted(hopeless),
        sorted(set(node.single_replicas)),
    ]


def _refused(refused: Refusal) -> tuple[str, ...]:
    who = f"Pod {refused.pod}"
    if (owner := refused.owner) is not None:
        who = f"{owner.kind} {owner.namespace}/{owner.name}"
    return who, *(reason.value for reason in refused.reasons)


def _owner(pod: Pod, owners: Owners) -> Owner | None:
    return None if pod.controller is None else owners.get(pod.controller.uid)


def _workload(pod: Pod, owners: Owners) -> str:
    """Name what a pod is of, in a name that outlives it."""
    if (owner := _owner(pod, owners)) is not None:
        return f"{owner.namespace}/{owner.name}"
    return str(pod) if pod.controller is None else f"{pod.namespace}/{pod.controller.name}"


def _of(judged: Judged, fate: Fate) -> list[Pod]:
    return [pod for pod, judgement in judged if judgement.fate is fate]


def _passable(budgets: Sequence[Budget], owners: Owners, pods: Sequence[Pod]) -> list[Budget]:
    """Return the budgets that pods can pass by waiting; for the others people decide."""
    return [
        budget
        for budget in budgets
        if not any(
            never(budget, _owner(pod, owners), unowned=pod.controller is None)
            for pod in pods
            if budget.covers(pod)
        )
    ]


def _to_evict(judged: Judged) -> Iterator[tuple[Pod, Judgement]]:
    return (each for each in judged if each[1].fate is Fate.EVICT)


def _losing_data(judged: Judged, owners: Owners) -> set[str]:
    return {
        _workload(pod, owners)
        for pod, judgement in _to_evict(judged)
        if RefusalReason.EMPTYDIR in judgement.overridden
    }


def _single(judged: Judged, owners: Owners) -> set[str]:
    """Name the workloads that are down while their only pod moves."""
    found = (_owner(pod, owners) for pod, _ in _to_evict(judged) if not pod.finished)
    return {
        f"{owner.namespace}/{owner.name}"
        for owner in found
        if owner is not None and owner.replicas == 1 and owner.kind in _REPLICATED
    }


def _blocks(
    judged: Judged, budgets: Sequence[Budget], owners: Owners, rules: Rules
) -> Iterator[PlannedBlock]:
    """Find the pods whose eviction would be refused as things stand."""
    if rules.options.disable_eviction:
        return  # a plain delete asks no budget
    for pod, _ in _to_evict(judged):
        if pod.phase == "Pending" or pod.finished:
            continue
        covering = [budget for budget in budgets if budget.covers(pod)]
        if len(covering) > 1:
            for budget in covering:
                yield PlannedBlock(pod=pod.ref, budget=budget.facts, never=True)
        elif covering and not covering[0].bypassed_by(pod) and not _allows(covering[0]):
            hopeless = never(covering[0], _owner(pod, owners), unowned=pod.controller is None)
            yield PlannedBlock(pod=pod.ref, budget=covering[0].facts, never=hopeless)


def _allows(budget: Budget) -> bool:
    return budget.fresh and not budget.sync_failed and budget.disruptions_allowed > 0
