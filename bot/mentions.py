"""Who may settle a question today, as ids to mention, and where owners are asked too."""

from collections.abc import Callable

from bot.commands import NodeBook
from bot.messages.audience import OwnersPlace
from jobs.authorization import labels_of
from jobs.models import OperationView, QuestionKind, QuestionView
from jobs.policy import Policy, Rule, members, rule_for

__all__ = ["mentions_by", "owners_by"]


def mentions_by(
    policy: Policy, nodes: NodeBook
) -> Callable[[OperationView, QuestionView], tuple[str, ...]]:
    """Return a function that names the users and user groups who may settle a question.

    Who may do so on every node that it is about; for pods in owned namespaces their owners too.
    """

    def mentions(view: OperationView, question: QuestionView) -> tuple[str, ...]:
        names = question.nodes or tuple(node.name for node in view.nodes)
        labels = labels_of(nodes.of(view.cluster), names)
        rules = [rule_for(policy, view.cluster, found) for found in labels.values() if found]
        if question.kind is QuestionKind.APPROVAL:  # as `may` does: the others want none
            rules = [rule for rule in rules if rule and rule.approve]
        lists = [members(policy, _listed(rule, question.kind)) for rule in rules if rule]
        who = frozenset.intersection(*lists) if lists else frozenset()
        if question.kind is QuestionKind.MAINTENANCE and view.requester:  # who knows it best
            who |= frozenset({view.requester.rpartition(":")[2]})
        # User groups first: their people change, and the list is shown cut.
        return tuple(sorted(who | _owners(policy, question), key=lambda id: (id[0] != "S", id)))

    return mentions


def owners_by(policy: Policy) -> Callable[[QuestionView], tuple[OwnersPlace, ...]]:
    """Return a function that gives the channels in which owners are asked a question too."""

    def places(question: QuestionView) -> tuple[OwnersPlace, ...]:
        if question.kind is QuestionKind.START:
            return ()
        named = sorted({pod.namespace for pod in question.pods} & policy.owners.keys())
        by_channel: dict[str, list[str]] = {}
        for namespace in named:
            if channel := policy.owners[namespace].channel:
                by_channel.setdefault(channel, []).append(namespace)
        return tuple(_place(policy, channel, found) for channel, found in by_channel.items())

    return places


def _place(policy: Policy, channel: str, namespaces: list[str]) -> OwnersPlace:
    owners = [policy.owners[namespace] for namespace in namespaces]
    who = tuple(sorted(members(policy, [owner.group for owner in owners])))
    votes = any(owner.force_needs_vote for owner in owners)
    return OwnersPlace(channel, who, tuple(namespaces), votes)


def _listed(rule: Rule, kind: QuestionKind) -> tuple[str, ...]:
    if kind is QuestionKind.APPROVAL:
        return rule.approve.by if rule.approve else ()
    return rule.decide


def _owners(policy: Policy, question: QuestionView) -> frozenset[str]:
    if question.kind is QuestionKind.START:
        return frozenset()  # its pods are those that the plan refuses: owners don't start a drain
    namespaces = {pod.namespace for pod in question.pods}
    groups = [owner.group for name, owner in policy.owners.items() if name in namespaces]
    return members(policy, groups)
