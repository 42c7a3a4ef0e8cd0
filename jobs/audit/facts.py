"""What is written down beside a change that a person made: on what grounds, and what they saw.

Pure. These facts go with the call that makes the change, so that there is no change without them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from jobs.authorization import Action, Allowed, Target, may
from jobs.models import (
    DrainOptions,
    DrainRequest,
    Grounds,
    OperationView,
    PodRef,
    Principal,
    QuestionKind,
    QuestionView,
    Requirements,
    Shown,
)
from jobs.policy import Policy, rule_for

__all__ = ["Facts", "shown_of"]

_NAMED = 50  # pods by name in one entry: the log is never cut
_WORDS = 500  # characters of what somebody wrote
_ABOUT_THE_PLAN = frozenset({QuestionKind.START, QuestionKind.APPROVAL})


class Facts:
    """Composes them, by the policy of today (None: there is none)."""

    def __init__(self, policy: Policy | None) -> None:
        self._policy = policy

    @cached_property
    def _digest(self) -> str:
        """Tells this policy from another one."""
        if self._policy is None:
            return ""
        return hashlib.sha256(self._policy.model_dump_json().encode()).hexdigest()[:16]

    def grounds(
        self, principal: Principal, target: Target, actions: Iterable[Action]
    ) -> dict[str, Any]:
        """Return what somebody's right to do all of `actions` rests on."""
        answers = [may(principal, action, target, self._policy) for action in actions]
        found = [each for each in answers if isinstance(each, Allowed)]
        grounds = Grounds(
            via=principal.via,
            rests_on=tuple(dict.fromkeys(on for allowed in found for on in allowed.rests_on)),
            rules=self._rules(target),
            policy=self._digest,
            groups=tuple(sorted(principal.groups)),
            roles=tuple(sorted({role for allowed in found for role in allowed.counts_as})),
            groups_at=principal.groups_at,
            groups_stale=principal.groups_stale,
        )
        return {"grounds": _bare(grounds)}

    def _rules(self, target: Target) -> tuple[int, ...]:
        if self._policy is None:
            return ()
        rules = {
            self._policy.rules.index(rule) + 1
            for labels in target.nodes.values()
            if labels is not None
            and (rule := rule_for(self._policy, target.cluster, labels)) is not None
        }
        return tuple(sorted(rules))

    def request(
        self,
        principal: Principal,
        target: Target,
        request: DrainRequest,
        requirements: Requirements,
    ) -> dict[str, Any]:
        """Return what is written down of a request for a drain."""
        usual = DrainOptions().model_dump()
        options = request.options.model_dump()
        facts = {
            "by": principal.id,
            "nodes": list(request.nodes),
            "note": request.reason[:_WORDS],
            "channel": request.channel,
            "options": {name: value for name, value in options.items() if value != usual[name]},
            "plan_only": request.plan_only,
            "approve_votes": requirements.approve_votes,
            "force_votes": requirements.force_votes,
        }
        said = {name: value for name, value in facts.items() if value}
        return {**self.grounds(principal, target, [Action.REQUEST]), **said}

    def uncordon(self, principal: Principal, target: Target) -> dict[str, Any]:
        """Return what is written down of a request for a node back."""
        return {
            **self.grounds(principal, target, [Action.UNCORDON]),
            "by": principal.id,
            "nodes": list(target.nodes),
            "channel": target.channel,
        }

    def tend(
        self, principal: Principal, target: Target, action: Action, expected: int, reason: str
    ) -> dict[str, Any]:
        """Return what is written down of a request for maintenance, or for a return to service."""
        said = {
            "by": principal.id,
            "nodes": list(target.nodes),
            "channel": target.channel,
            "note": reason[:_WORDS],
            "expected": expected,
            "begin": action.value,
        }
        return {
            **self.grounds(principal, target, [action]),
            **{name: value for name, value in said.items() if value},
        }

    def orphans(
        self, principal: Principal, target: Target, undo: Iterable[str], *, everything: bool
    ) -> dict[str, Any]:
        """Return what is written down of a look for orphaned cordons."""
        return {
            **self.grounds(principal, target, [Action.ORPHANS]),
            "by": principal.id,
            "nodes": list(undo),
            "everything": everything,
        }

    def vote(
        self,
        principal: Principal,
        target: Target,
        actions: Iterable[Action],
        question: QuestionView,
        operation: OperationView,
    ) -> dict[str, Any]:
        """Return what is written down of an answer: its grounds, and what the person saw."""
        return {
            **self.grounds(principal, target, actions),
            "shown": _bare(shown_of(question, operation)),
            "nodes": list(target.nodes),
        }

    def act(self, principal: Principal, target: Target, action: Action) -> dict[str, Any]:
        """Return what is written down of an abort, a pause and the like."""
        return self.grounds(principal, target, [action])


def shown_of(question: QuestionView, operation: OperationView) -> Shown:
    """Return what a question shows, in facts."""
    if question.kind in _ABOUT_THE_PLAN:
        return _plan(question, operation)
    budgets = {
        f"{budget.namespace}/{budget.name}" for block in question.blocks for budget in block.budgets
    }
    return Shown(
        refusals=dict(Counter(r for refusal in question.refusals for r in refusal.reasons)),
        budgets=tuple(sorted(budgets))[:_NAMED],
        volumes=question.volumes[:_NAMED],
        workloads=tuple(
            f"{unwell.owner.namespace}/{unwell.owner.name}" for unwell in question.unwell[:_NAMED]
        ),
        **_pods(question.pods),
    )


def _plan(question: QuestionView, operation: OperationView) -> Shown:
    plan = operation.plan
    if plan is None:
        return Shown(**_pods(question.pods))
    refusals = [refusal for node in plan.nodes for refusal in node.refusals]
    never = {
        f"{block.budget.namespace}/{block.budget.name}"
        for node in plan.nodes
        for block in node.blocks
        if block.never
    }
    single = {workload for node in plan.nodes for workload in node.single_replicas}
    return Shown(
        digest=plan.digest,
        evict=plan.evict,
        refusals=dict(Counter(r for refusal in refusals for r in refusal.reasons)),
        data_lost=sum(len(node.data_lost) for node in plan.nodes),
        never=tuple(sorted(never))[:_NAMED],
        single_replicas=tuple(sorted(single))[:_NAMED],
        **_pods(tuple(refusal.pod for refusal in refusals)),
    )


def _pods(pods: tuple[PodRef, ...]) -> dict[str, Any]:
    if not pods:
        return {}
    uids = "\n".join(sorted({pod.uid for pod in pods}))
    names = tuple(sorted({str(pod) for pod in pods}))
    return {
        "pods": names[:_NAMED],
        "pods_total": len({pod.uid for pod in pods}),
        "pods_digest": hashlib.sha256(uids.encode()).hexdigest(),
    }


def _bare(facts: Grounds | Shown) -> dict[str, Any]:
    """Return only what is there: entries stay small."""
    return facts.model_dump(mode="json", exclude_defaults=True)
