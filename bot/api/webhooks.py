"""`/webhooks`: an outside system settles one question; a person makes the address for it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from bot.api.callers import At, By, Caller
from bot.api.problems import ProblemError, problem_of, problems, refused
from bot.api.questions import Choice, Decision, decision
from bot.api.shapes import QuestionId
from bot.commands.webhook import Spent, hook, settle_by_hook
from bot.webhook_store import LONGEST, SHORTEST, TOKEN
from jobs.models import Decided, Frozen, Principal, Refused

__all__ = ["Made", "router"]

router = APIRouter(tags=["webhooks"])

_SPENT = {
    Spent.UNKNOWN: "drainbot made no such webhook, or long ago. Nothing changed.",
    Spent.USED: "This webhook was used already: it settles its question once. Nothing changed.",
    Spent.EXPIRED: "This webhook has expired; make another one. Nothing changed.",
}


class Wanted(Frozen):
    """The answer that the webhook gives, and for how many seconds it lives."""

    choice: Choice
    expires_in: int = Field(default=86_400, ge=SHORTEST, le=LONGEST)


class Made(Frozen):
    """A webhook: where to POST, which nobody is told again, and until when (ms since the epoch)."""

    path: str
    question: str
    choice: str
    expires_at: int


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
        caller.desk, parts.webhooks, caller.principal, id, choice, seconds=wanted.expires_in
    )
    if isinstance(made, Refused):
        raise refused(made)
    if isinstance(made, Decided):
        decision(made, choice, caller)  # why it can't be answered so; else somebody was first
        raise ProblemError(problem_of("closed", "This is settled already.", question=made.question))
    token, webhook = made
    return Made(
        path=f"/webhooks/{token}", question=id, choice=choice, expires_at=webhook.expires_at
    )


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
    settled = settle_by_hook(parts.desk, parts.webhooks, token)
    if isinstance(settled, Spent):
        raise ProblemError(problem_of(settled.value, _SPENT[settled]))
    found = parts.webhooks.find(token)
    choice = found.choice if found else ""
    nobody = Principal(team=parts.desk.policy.team, user="", via="http")
    return decision(settled, choice, Caller(nobody, "", parts.desk))
