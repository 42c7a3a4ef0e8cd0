"""Who may settle a question today, as ids to mention: whom nobody names, nothing notifies."""

from collections.abc import Callable

from bot.commands import NodeBook
from jobs.authorization import labels_of
from jobs.models import OperationView, QuestionKind, QuestionView
from jobs.policy import Policy, Rule, members, rule_for

__all__ = ["mentions_by"]


def mentions_by(
    policy: Policy, nodes: NodeBook
) -> Callable[[OperationView, QuestionView], tuple[str, ...]]:
    """Return a function that names the users and user groups who may settle a question.

    Who may do so on every node that it is about; for pods in owned namespaces their owners too.
    """

    def mentions(view: OperationView, question: QuestionView) -> tuple[str, ...]:
        names = (question.node,) if question.node else tuple(node.name for node in view.nodes)
        labels = labels_of(nodes.of(view.cluster), names)
        rules = [rule_for(policy, view.cluster, found) for found in labels.values() if found]
        lists = [members(policy, _listed(rule, question.kind)) for rule in rules if rule]
        who = frozenset.intersection(*lists) if lists else frozenset()
        # User groups first: their people change, and the list is shown cut.
        return tuple(sorted(who | _owners(policy, question), key=lambda id: (id[0] != "S", id)))

    return mentions


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
