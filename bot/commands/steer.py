"""Deciding, aborting, pausing, resuming. Ids are judged before Redis is asked about them."""

from bot.commands.desk import Desk
from bot.commands.hints import unknown_operation
from bot.grammar import Steer
from jobs.ids import IdError, cluster_of, is_question
from jobs.models import Acted, Decided, Outcome, Principal, Refused

__all__ = ["decide", "served", "steer"]

_NOTHING = "Nothing changed."


def steer(desk: Desk, principal: Principal, command: Steer, *, nonce: str) -> Acted | Refused:
    """Abort, pause or resume an operation; the same `nonce` is answered alike.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    operation = command.operation
    if not served(desk, operation, question=False):
        return unknown_operation(desk, principal, operation, nothing_changed=_NOTHING)
    answer = _steered(desk, principal, command, nonce)
    if isinstance(answer, Refused) and answer.because == "unknown":
        return unknown_operation(desk, principal, operation, nothing_changed=_NOTHING)
    return answer


def _steered(desk: Desk, principal: Principal, command: Steer, nonce: str) -> Acted | Refused:
    operation = command.operation
    match command.verb:
        case "abort":
            return desk.client.abort(principal, operation, reason=command.reason, nonce=nonce)
        case "pause":
            return desk.client.pause(principal, operation, nonce=nonce)
        case "resume":
            return desk.client.resume(principal, operation, nonce=nonce)


def decide(
    desk: Desk, principal: Principal, question: str, choice: str, *, note: str = "", nonce: str
) -> Decided:
    """Answer a question; one that was made up is answered as unknown.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    if not served(desk, question, question=True):
        return Decided(outcome=Outcome.UNKNOWN)
    return desk.client.decide(principal, question, choice, note=note, nonce=nonce)


def served(desk: Desk, id: str, *, question: bool) -> bool:
    """Whether it is the id of a question (else: of an operation) of a cluster that is served."""
    try:
        return is_question(id) is question and cluster_of(id) in desk.client.clusters()
    except IdError:
        return False
