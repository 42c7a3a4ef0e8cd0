"""Looking: at operations, and at a question before it is decided with more than a click."""

from bot.commands.desk import Desk
from bot.commands.hints import unknown_operation
from bot.commands.steer import served
from jobs.authorization import Action, Denied, Target, action_of_choice, labels_of, may
from jobs.models import (
    Decided,
    OperationView,
    Outcome,
    Principal,
    QuestionState,
    QuestionView,
    Refused,
)

__all__ = [
    "may_maintain", "names_pods", "open_question", "operation", "operations", "refused_choice",
    "target_of",
]  # fmt: skip


def operation(
    desk: Desk, principal: Principal, id: str, *, channel: str = ""
) -> OperationView | Refused:
    """Return one operation, if the person may look at it. `id` is a full one.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    view = desk.client.operation(id) if served(desk, id, question=False) else None
    if view is None:
        return unknown_operation(desk, principal, id)
    target = _target(desk, view, tuple(node.name for node in view.nodes), channel=channel)
    return _refusal(desk, principal, Action.READ, target) or view


def names_pods(desk: Desk, principal: Principal, view: OperationView, channel: str) -> bool:
    """Whether an operation's pods may be named to somebody who looks from a channel ("": none).

    In its own channel they are; elsewhere only to whoever may decide about it, or asked for it.
    """
    own = {view.channel, desk.policy.fallback_channel or ""} - {""}
    if channel in own:
        return True
    target = _target(desk, view, tuple(node.name for node in view.nodes))
    return _refusal(desk, principal, Action.ABORT, target) is None


def operations(
    desk: Desk,
    principal: Principal,
    cluster: str,
    *,
    channel: str = "",
    live_only: bool = False,
    limit: int = 20,
) -> tuple[OperationView, ...] | Refused:
    """Return the operations of a cluster, the newest first, if the person may look at them."""
    target = Target(cluster=cluster, channel=channel)
    refused = _refusal(desk, principal, Action.READ, target)
    return refused or desk.client.operations(cluster, live_only=live_only, limit=limit)


def open_question(
    desk: Desk, principal: Principal, id: str, choice: str
) -> Decided | tuple[QuestionView, OperationView]:
    """Return a question that can still be decided so, and its operation; else why it can't.

    A courtesy: somebody who may not is told before they fill in a form. What counts is the
    judgement of :meth:`jobs.client.Client.decide` when the form is submitted.
    """
    question = desk.client.question(id) if served(desk, id, question=True) else None
    view = desk.client.operation(question.operation) if question else None
    if question is None or view is None:
        return Decided(outcome=Outcome.UNKNOWN)
    if question.state is not QuestionState.OPEN:
        settled = question.state is QuestionState.SETTLED
        return Decided(
            outcome=Outcome.ALREADY_SETTLED if settled else Outcome.CLOSED, question=question
        )
    action = action_of_choice(choice)
    if action is None or choice not in question.choices:
        return Decided(outcome=Outcome.NOT_A_CHOICE, question=question)
    refused = _refusal(desk, principal, action, target_of(desk, view, question))
    if refused is None:
        return question, view
    return Decided(
        outcome=Outcome.REFUSED,
        question=question,
        reason=refused.reason,
        who_may=refused.who_may,
    )


def refused_choice(desk: Desk, principal: Principal, id: str, choice: str) -> Refused | None:
    """Say why somebody may not answer a question so today, whether it is open or not."""
    question = desk.client.question(id) if served(desk, id, question=True) else None
    view = desk.client.operation(question.operation) if question else None
    action = action_of_choice(choice)
    if question is None or view is None or action is None:
        return Refused(reason="Its question is not known any more. Nothing changed.")
    return _refusal(desk, principal, action, target_of(desk, view, question))


def may_maintain(
    desk: Desk, principal: Principal, view: OperationView, node: str
) -> Refused | None:
    """Say why somebody may not start the maintenance of a node that an operation drained.

    A courtesy, as :func:`open_question`.
    """
    return _refusal(desk, principal, Action.MAINTENANCE, _target(desk, view, (node,)))


def _refusal(desk: Desk, principal: Principal, action: Action, target: Target) -> Refused | None:
    answer = may(principal, action, target, desk.policy)
    if isinstance(answer, Denied):
        return Refused(reason=answer.reason, who_may=answer.who_may)
    return None


def target_of(desk: Desk, view: OperationView, question: QuestionView) -> Target:
    """Return what an answer to a question is about: the whole operation where it names no node."""
    nodes = question.nodes or tuple(node.name for node in view.nodes)
    namespaces = frozenset(pod.namespace for pod in question.pods)
    return _target(desk, view, nodes, namespaces=namespaces)


def _target(
    desk: Desk,
    view: OperationView,
    nodes: tuple[str, ...],
    *,
    namespaces: frozenset[str] | None = None,
    channel: str = "",
) -> Target:
    return Target(
        cluster=view.cluster,
        nodes=labels_of(desk.nodes.of(view.cluster), nodes),
        requester=view.requester,
        namespaces=namespaces,
        channel=channel,
        votes_by_role=True,
    )
