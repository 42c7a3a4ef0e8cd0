"""Which rule a node falls under, who stands in a list, and what an operation needs of people."""

from collections.abc import Iterable, Mapping

from jobs.models import Requirements
from jobs.policy.load import PolicyError
from jobs.policy.model import Policy, Rule

__all__ = ["members", "requirements_for", "rule_for", "rules_of_cluster"]

_STRICTEST_START = ("confirm", "when_noteworthy", "at_once")


def rule_for(policy: Policy, cluster: str, labels: Mapping[str, str]) -> Rule | None:
    """Return the first rule that matches a node, or None: then nothing may be done to it."""
    return next((rule for rule in rules_of_cluster(policy, cluster) if _takes(rule, labels)), None)


def rules_of_cluster(policy: Policy, cluster: str) -> tuple[Rule, ...]:
    """Return the rules that can match a node of a cluster, in their order."""
    if cluster not in policy.clusters:
        return ()
    return tuple(rule for rule in policy.rules if rule.match.cluster in {None, cluster})


def members(policy: Policy, who: Iterable[str]) -> frozenset[str]:
    """Return a rule's list as ids of Slack users (U…, W…) and user groups (S…)."""
    return frozenset(id for name in who for id in policy.groups.get(name, (name,)))


def requirements_for(
    policy: Policy, cluster: str, nodes_labels: Iterable[Mapping[str, str]]
) -> Requirements:
    """Return what an operation on nodes with these labels needs: the strictest of each rule met.

    Raises :class:`PolicyError` for a node without a rule. A node whose rule names no force gets
    the votes of the others; who may force there is nobody, which :func:`jobs.authorization.may`
    says.
    """
    rules = [_rule_or_error(policy, cluster, labels) for labels in nodes_labels]
    approvals = [rule.approve for rule in rules if rule.approve]
    forces = [rule.force for rule in rules if rule.force]
    questions, defaults = policy.questions, policy.defaults
    starts = [rule.start for rule in rules] or ["when_noteworthy"]
    return Requirements.model_validate(
        {
            "start": min(starts, key=_STRICTEST_START.index),
            "approve_votes": max((approve.votes for approve in approvals), default=0),
            "approve_lapses": min((approve.lapses for approve in approvals), default=3600),
            "requester_counts": bool(approvals) and all(a.requester_counts for a in approvals),
            "force_votes": max((force.votes for force in forces), default=1),
            "force_reason": any(force.reason == "required" for force in forces),
            "owners": {
                namespace: owner.group
                for namespace, owner in policy.owners.items()
                if owner.force_needs_vote
            },
            "remind_after": questions.remind,
            "stop_after": questions.stop_after,
            **(
                {
                    "escalate_after": questions.escalate.after,
                    "escalate_to": questions.escalate.to,
                }
                if questions.escalate
                else {}
            ),
            **defaults.model_dump(),
        }
    )


def _rule_or_error(policy: Policy, cluster: str, labels: Mapping[str, str]) -> Rule:
    rule = rule_for(policy, cluster, labels)
    if rule is None:
        raise PolicyError(f"No rule of the policy matches one of the nodes of {cluster}.")
    return rule


def _takes(rule: Rule, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in rule.match.labels.items())
