"""What went wrong, told to programs and to people alike: RFC 9457, `application/problem+json`.

Every answer of 400 and above is a :class:`Problem`. `code` is stable; `detail` is a sentence for
whoever reads it, in the same words that Slack and the command line use.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from bot.messages.ephemeral import refused_words
from bot.messages.style import PLAIN
from jobs.errors import DrainbotError, StateUnavailable
from jobs.models import Frozen, Outcome, QuestionView, Refused

__all__ = [
    "MEDIA_TYPE", "Code", "FieldError", "Problem", "ProblemError", "Taker", "answered", "install",
    "invalid", "problem_of", "problems", "refused",
]  # fmt: skip

MEDIA_TYPE = "application/problem+json"
_TYPES = "tag:drainbot.dev,2026:"  # what RFC 9457 advises where no page stands behind a type

Code = Literal[
    "unauthenticated", "not_allowed", "unknown", "method_not_allowed", "too_slow", "taken", "ended",
    "not_a_choice", "closed", "used", "expired", "revoked", "too_large", "headers_too_large",
    "not_json", "malformed", "invalid", "other_request", "too_many_requests", "failed",
    "redis_away", "not_known_yet", "busy",
]  # fmt: skip

_KINDS: Mapping[Code, tuple[int, str]] = {
    "malformed": (400, "This is no HTTP request"),
    "unauthenticated": (401, "Who you are is not known"),
    "not_allowed": (403, "You may not do this"),
    "unknown": (404, "There is no such thing"),
    "method_not_allowed": (405, "This can't be done with it"),
    "too_slow": (408, "The request took too long to arrive"),
    "taken": (409, "Another operation has the node"),
    "ended": (409, "The operation has ended"),
    "not_a_choice": (409, "The question does not offer this"),
    "closed": (409, "The question is closed"),
    "used": (410, "The webhook was used already"),
    "expired": (410, "The webhook has expired"),
    "revoked": (410, "The webhook was revoked"),
    "too_large": (413, "The request is too large"),
    "not_json": (415, "The body is not JSON"),
    "invalid": (422, "The request can't be understood"),
    "other_request": (422, "The same key came with another request"),
    "too_many_requests": (429, "Too many requests"),
    "headers_too_large": (431, "The request's headers are too large"),
    "failed": (500, "Something went wrong in drainbot"),
    "redis_away": (503, "Redis can't be reached"),
    "not_known_yet": (503, "The nodes are not known yet"),
    "busy": (503, "Too many connections"),
}
_NOT_ALLOWED = 405
_BY_STATUS: Mapping[int, Code] = {404: "unknown", 405: "method_not_allowed", 415: "not_json"}
_AWAY = (
    "Redis can't be reached. Whether it was recorded is unknown; doing it again with the same "
    "Idempotency-Key does no harm."
)
_FAILED = (
    "Something went wrong in drainbot, so this may not have been recorded. Try again with the same "
    "Idempotency-Key; drainbot's log tells why."
)


class FieldError(Frozen):
    """What is wrong with one part of a request: `nodes.0`, `query.limit`, `header.…`."""

    field: str
    detail: str


class Taker(Frozen):
    """A node that was asked for, and the operation that has it."""

    node: str
    operation: str


class Problem(Frozen):
    """Why a request was not carried out, by RFC 9457; members that say nothing are left out.

    `errors` names parts of the request; `who_may` ids of people and groups who may do it, and
    `reason` why this one may not, apart from them; `takers` who has the nodes; `question` the one
    that was to be settled, as it stands, and `outcome` what became of the answer.
    """

    type: str
    title: str
    status: int
    code: Code
    detail: str
    errors: tuple[FieldError, ...] = ()
    reason: str = ""
    who_may: tuple[str, ...] = ()
    takers: tuple[Taker, ...] = ()
    outcome: Outcome | None = None
    question: QuestionView | None = None


class ProblemError(Exception):
    """Raised by whoever can't carry out a request; `headers` go with the answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = dict(headers or {})


def problem_of(code: Code, detail: str, **members: Any) -> Problem:
    """Return the problem of a code; `members` are further ones of :class:`Problem`."""
    status, title = _KINDS[code]
    return Problem(
        type=f"{_TYPES}{code.replace('_', '-')}", title=title, status=status, code=code,
        detail=detail, **members,
    )  # fmt: skip


def invalid(field: str, detail: str) -> ProblemError:
    """Return the refusal of one part of a request."""
    return ProblemError(
        problem_of("invalid", detail, errors=(FieldError(field=field, detail=detail),))
    )


def refused(refusal: Refused) -> ProblemError:
    """Return a refusal of the service's, in the words of the command line."""
    headers = {"Retry-After": "5"} if refusal.because == "not_known_yet" else {}
    said = refused_words(refusal, PLAIN)
    takers = tuple(Taker(node=node, operation=id) for node, id in refusal.takers.items())
    problem = problem_of(
        refusal.because, said, reason=refusal.reason, who_may=refusal.who_may, takers=takers
    )
    return ProblemError(problem, headers)


def answered(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as an answer."""
    body = problem.model_dump_json(exclude_defaults=True)
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def problems(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """Return what a route may answer beside success, for the OpenAPI document."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        status, title = _KINDS[code]
        by_status.setdefault(status, []).append(f"{title} (`{code}`)")
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": "; ".join(said),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status, said in by_status.items()
    }


def install(app: FastAPI) -> None:
    """Have every error of an application answered as a problem."""

    async def told(request: Request, error: Exception) -> Response:
        if isinstance(error, ProblemError):
            return answered(error.problem, error.headers)
        if isinstance(error, RequestValidationError):
            return answered(_unreadable(error))
        if isinstance(error, StateUnavailable):
            return answered(problem_of("redis_away", _AWAY), {"Retry-After": "1"})
        if isinstance(error, DrainbotError):  # a usage error: the text says what would be right
            return answered(problem_of("invalid", str(error)))
        if isinstance(error, HTTPException):
            allowed = _methods(request) if error.status_code == _NOT_ALLOWED else {}
            return answered(_of_status(error), {**(error.headers or {}), **allowed})
        return answered(problem_of("failed", _FAILED))

    for kind in (ProblemError, RequestValidationError, DrainbotError, HTTPException, Exception):
        app.add_exception_handler(kind, told)


def _methods(request: Request) -> dict[str, str]:
    """Return the header that says what an address takes: all of it, whichever route came first."""
    routes: list[Route] = request.app.state.routes
    at = [each for each in routes if each.matches(request.scope)[0] is not Match.NONE]
    return {"Allow": ", ".join(sorted(set().union(*(each.methods or () for each in at))))}


def _of_status(error: HTTPException) -> Problem:
    code = _BY_STATUS.get(error.status_code, "invalid")
    details = {
        "unknown": "Nothing is at this address; /openapi.json tells what there is.",
        "method_not_allowed": "This address does not take this method.",
    }
    said = details.get(code) or str(error.detail or HTTPStatus(error.status_code).phrase)
    return problem_of(code, said)


def _unreadable(error: RequestValidationError) -> Problem:
    errors = tuple(
        FieldError(field=_field(each["loc"]), detail=_said(each)) for each in error.errors()
    )
    first = errors[0] if errors else FieldError(field="body", detail="it can't be read")
    more = f" And {len(errors) - 1} more mistakes." if len(errors) > 1 else ""
    return problem_of("invalid", f"{first.field}: {first.detail}.{more}", errors=errors)


def _field(location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location]
    if parts[:1] == ["body"] and parts[1:]:
        parts = parts[1:]  # of the body is what is meant mostly
    return ".".join(parts) or "body"


def _said(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ").rstrip(".")
