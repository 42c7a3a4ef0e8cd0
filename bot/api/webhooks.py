"""`/webhooks`: an outside system settles one question; a person makes the address for it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from bot.api.callers import At, By, Caller
from bot.api.problems import ProblemError, problem_of, problems, refused
from bot.api.questions import Choice, Decision, decision
from bot.api.shapes import ClusterInPath, QuestionId, cluster_named
from bot.commands.webhook import (
    LONGEST,
    SHORTEST,
    TOKEN,
    Spent,
    hook,
    hooks,
    revoke_hook,
    settle_by_hook,
)
from bot.messages.style import PLAIN
from bot.messages.webhooks import revoked_words
from jobs.models import Decided, Frozen, Principal, Refused, Webhook

__all__ = ["Made", "Revoked", "Webhooks", "router"]

router = APIRouter(tags=["webhooks"])

_SPENT = {
    Spent.UNKNOWN: "drainbot made no such webhook, or long ago. Nothing changed.",
    Spent.USED: "This webhook was used already: it settles its question once. Nothing changed.",
    Spent.REVOKED: "This webhook was revoked by a person; make another one. Nothing changed.",
    Spent.EXPIRED: "This webhook has expired; make another one. Nothing changed.",
}


class Wanted(Frozen):
    """The answer that the webhook gives, and for how many seconds it lives."""

    choice: Choice
    expires_in: int = Field(default=86_400, ge=SHORTEST, le=LONGEST)


class Made(Frozen):
    """A webhook: where to POST, which nobody is told again, and until when (ms since the epoch)."""

    id: str
    path: str
    question: str
    choice: str
    expires_at: int


class Webhooks(Frozen):
    """Webhooks, the newest first; the words that they are used with are told nobody."""

    webhooks: tuple[Webhook, ...]


class Revoked(Frozen):
    """A webhook as it stands after it was to be taken back, and what a person is told of it."""

    webhook: Webhook
    message: str


@router.post(
    "/questions/{id}/webhooks",
    status_code=201,
    summary="Make a webhook",
    responses=problems("not_allowed", "unknown", "not_a_choice", "closed"),
)
def make(id: QuestionId, wanted: Wanted, caller: By, parts: At) -> Made:
    """Let an outside system give one answer in your name: once, and until it expires.

    Whoever knows the address may use it. It is for what you may decide yourself, and not for what
    several people answer for: approving, force, and that a node is dead.
    """
    choice = wanted.choice
    made = hook(
        caller.desk, parts.counter.webhooks, caller.principal, id, choice,
        seconds=wanted.expires_in,
    )  # fmt: skip
    if isinstance(made, Refused):
        raise refused(made)
    if isinstance(made, Decided):
        decision(made, choice, caller)  # why it can't be answered so; else somebody was first
        raise ProblemError(problem_of("closed", "This is settled already.", question=made.question))
    token, webhook = made
    return Made(
        id=webhook.id, path=f"/webhooks/{token}", question=id, choice=choice,
        expires_at=webhook.expires_at,
    )  # fmt: skip


@router.get(
    "/clusters/{cluster}/webhooks",
    summary="Look at the webhooks",
    responses=problems("not_allowed", "unknown"),
)
def look_at_all(cluster: ClusterInPath, caller: By, parts: At) -> Webhooks:
    """Return the webhooks of a cluster that are open, or ended in the last week."""
    cluster_named(caller, cluster)
    found = hooks(caller.desk, parts.counter.webhooks, caller.principal, cluster)
    if isinstance(found, Refused):
        raise refused(found)
    return Webhooks(webhooks=found)


@router.delete(
    "/clusters/{cluster}/webhooks/{id}",
    summary="Revoke a webhook",
    responses=problems("not_allowed", "unknown"),
)
def revoke(
    cluster: ClusterInPath,
    id: Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="As the list names it.")],
    caller: By,
    parts: At,
) -> Revoked:
    """Take a webhook back: who made it may, and whoever may answer so. Twice does no harm."""
    cluster_named(caller, cluster)
    found = revoke_hook(caller.desk, parts.counter.webhooks, caller.principal, cluster, id)
    if isinstance(found, Refused):
        raise refused(found)
    return Revoked(webhook=found, message=revoked_words(found, caller.desk.client.now(), PLAIN))


@router.post(
    "/webhooks/{token}",
    summary="Use a webhook",
    responses=problems("not_allowed", "unknown", "closed", "used", "expired"),
)
def use(
    token: Annotated[str, Path(pattern=TOKEN, description="As it was made.")],
    request: Request,
    parts: At,
) -> Decision:
    """Settle the question that the webhook was made for. A body is not read."""
    parts.strangers.take(request.client.host if request.client else "")
    settled = settle_by_hook(parts.desk, parts.counter.webhooks, token)
    if isinstance(settled, Spent):
        raise ProblemError(problem_of(settled.value, _SPENT[settled]))
    found = parts.counter.webhooks.find(token)
    choice = found.choice if found else ""
    nobody = Principal(team=parts.desk.policy.team, user="", via="http")
    return decision(settled, choice, Caller(nobody, "", parts.desk))
