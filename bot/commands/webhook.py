"""Webhooks: made for a question, listed, taken back, and what becomes of one that is used."""

from enum import StrEnum

from bot.commands.desk import Desk
from bot.commands.look import open_question, refused_choice
from bot.commands.steer import decide
from jobs.authorization import Action, Denied, Target, action_of_choice, may
from jobs.client import WebhooksClient
from jobs.ids import quoted
from jobs.models import Decided, Outcome, Principal, QuestionView, Refused, Webhook

__all__ = [
    "LONGEST",
    "SHORTEST",
    "TOKEN",
    "Spent",
    "hook",
    "hooks",
    "revoke_hook",
    "settle_by_hook",
]

SHORTEST, LONGEST = 60, 7 * 86_400
"""Seconds that a webhook may live."""

TOKEN = "^[A-Za-z0-9_-]{43}$"  # noqa: S105  what one looks like: 256 bits in base64url
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
    REVOKED = "revoked"


def hook(
    desk: Desk,
    webhooks: WebhooksClient,
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
    return webhooks.make(principal, found[0], choice, seconds=seconds, now=desk.client.now())


def hooks(
    desk: Desk, webhooks: WebhooksClient, principal: Principal, cluster: str
) -> tuple[Webhook, ...] | Refused:
    """Return the webhooks of a cluster that are open or ended lately, for whoever may read there.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    answer = may(principal, Action.READ, Target(cluster=cluster), desk.policy)
    if isinstance(answer, Denied):
        return Refused(reason=answer.reason, who_may=answer.who_may)
    return webhooks.of(cluster)


def revoke_hook(
    desk: Desk, webhooks: WebhooksClient, principal: Principal, cluster: str, id: str
) -> Webhook | Refused:
    """Take a webhook back: who made it may, and whoever may answer so themselves.

    One that is open no more stays as it is. Raises :class:`jobs.errors.StateUnavailable`.
    """
    found = hooks(desk, webhooks, principal, cluster)
    if isinstance(found, Refused):
        return found
    known = next((each for each in found if each.id == id.strip().lower()), None)
    unknown = Refused(
        reason=f"There is no webhook {quoted(id)} in {cluster}. Nothing changed.", because="unknown"
    )
    if known is None:
        return unknown
    own = known.by == principal.id and (principal.scopes is None or "decide" in principal.scopes)
    refused = None if own else refused_choice(desk, principal, known.question, known.choice)
    if refused is not None:
        return refused
    now = desk.client.now()
    return webhooks.revoke(cluster, known.id, by=principal.id, now=now) or unknown


def settle_by_hook(desk: Desk, webhooks: WebhooksClient, token: str) -> Decided | Spent:
    """Settle the question of a token, as its minter.

    The same token names the same act, so that two deliveries at once settle once. It is spent when
    the question is answered, whoever answered it. Raises :class:`jobs.errors.StateUnavailable`.
    """
    found = webhooks.find(token)
    if found is None:
        return Spent.UNKNOWN
    now = desk.client.now()
    state = found.state(now)
    if state != "open":
        return Spent(state)
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
