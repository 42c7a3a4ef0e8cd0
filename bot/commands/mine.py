"""What waits for one person: the choices of an open question that are theirs today."""

from bot.commands.desk import Desk
from bot.commands.look import target_of
from jobs.authorization import Allowed, Target, action_of_choice, may
from jobs.models import OperationView, Principal, QuestionView

__all__ = ["choices_of"]

# What nobody waits for by itself: whoever asked may always abort, and Wait only moves the end.
_BESIDE = frozenset({"abort", "wait", "keep_waiting"})


def choices_of(
    desk: Desk, principal: Principal, view: OperationView, question: QuestionView
) -> tuple[str, ...]:
    """Return the choices that the person may take today, in the question's order.

    Empty where nothing of it waits for them: they may only abort or wait, or have voted already.
    A courtesy, as a button that is shown: what counts is judged when it is pressed. Raises
    :class:`jobs.errors.StateUnavailable`.
    """
    target = target_of(desk, view, question)
    voted = {vote.choice for vote in question.votes if vote.by == principal.id}
    open_to = tuple(
        choice
        for choice in question.choices
        if choice not in voted and _may(desk, principal, choice, target)
    )
    return open_to if set(open_to) - _BESIDE else ()


def _may(desk: Desk, principal: Principal, choice: str, target: Target) -> bool:
    action = action_of_choice(choice)
    return action is not None and isinstance(may(principal, action, target, desk.policy), Allowed)
