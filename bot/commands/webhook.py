"""Making a webhook for a question, and what becomes of one that is used."""

from enum import StrEnum

from bot.commands.desk import Desk
from bot.commands.look import open_question
from bot.commands.steer import decide
from bot.webhook_store import Webhook, WebhookStore
from jobs.authorization import Action, action_of_choice
from jobs.models import Decided, Outcome, Principal, QuestionView, Refused

__all__ = ["Spent", "hook", "settle_by_hook"]

_NOTE = "through a webhook"
_DONE = {
    Outcome.SETTLED, Outcome.VOTED, Outcome.POSTPONED, Outcome.ALREADY_VOTED,
    Outcome.ALREADY_SETTLED, Outcome.CLOSED,
}  # fmt: skip
# What several people answer for, or one person with their own eyes: no machine does it for them.
_IN_PERSON = frozenset({Action.APPROVE, Action.FORCE, Action.NODE_IS_DEAD})


class Spent(StrEnum):
    """Why a token settles nothing."""

    UNKNOWN = "unknown"
    USED = "used"
    EXPIRED = "expired"


def hook(
    desk: Desk,
    webhooks: WebhookStore,
    principal: Principal,
    question: str,
    choice: str,
    *,
    seconds: int,
) -> tuple[str, Webhook] | Decided | Refused:
    """Make a webhook that answers a question so, if the person may answer so themselves.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    found = open_question(desk, principal, question, choice)
    if isinstance(found, Decided):
        return found
    refused = _in_person(found[0], choice)
    if refused is not None:
        return refused
    return webhooks.make(principal, question, choice, seconds=seconds, now=desk.client.now())


def settle_by_hook(desk: Desk, webhooks: WebhookStore, token: str) -> Decided | Spent:
    """Settle the question of a token, as its minter.

    The same token names the same act, so that two deliveries at once settle once. It is spent when
    the question is answered, whoever answered it. Raises :class:`jobs.errors.StateUnavailable`.
    """
    found = webhooks.find(token)
    if found is None:
        return Spent.UNKNOWN
    now = desk.client.now()
    if found.used_at:
        return Spent.USED
    if found.expires_at <= now:
        return Spent.EXPIRED
    scopes = None if found.scopes is None else frozenset(found.scopes)
    minter = desk.directory.principal(found.team, found.user, via="http", scopes=scopes)
    decided = decide(
        desk, minter, found.question, found.choice, note=_NOTE, nonce=webhooks.nonce(token)
    )
    if decided.outcome in _DONE:
        webhooks.used(token, found, now)
    return decided


def _in_person(question: QuestionView, choice: str) -> Refused | None:
    several = question.votes_needed.get(choice, 1) > 1 or choice in question.roles_needed
    if several or action_of_choice(choice) in _IN_PERSON:
        return Refused(
            reason="People answer for this themselves: no webhook is made for it. Nothing changed."
        )
    return None
