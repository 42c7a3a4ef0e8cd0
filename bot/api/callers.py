"""Who calls: the person of a token, with their groups of today; and what every route works with."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot.api.feed import Feed
from bot.api.limits import Limits, Rates, Streams
from bot.api.problems import ProblemError, problem_of, refused
from bot.commands import Desk
from jobs.authorization import Action, Denied, Target, may, principal_for_token
from jobs.client import Counter
from jobs.models import Principal, Refused

__all__ = [
    "At", "By", "Caller", "IdempotencyKey", "Key", "Parts", "parts_of", "readable", "token_name",
]  # fmt: skip

_bearer = HTTPBearer(
    auto_error=False,
    description="A token that the policy knows by its SHA-256; `drainbot token` makes one.",
)
_WHO = (
    "Say who you are: Authorization: Bearer TOKEN, with a token that the policy knows. "
    "Nothing changed."
)


@dataclass
class Parts:
    """What the routes work with; one for the whole API."""

    desk: Desk
    counter: Counter
    feed: Feed
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Begin to count."""
        self.rates = Rates(self.limits.rate, self.limits.burst)
        self.streams = Streams()
        self.strangers = Rates(self.limits.unknown_rate, self.limits.unknown_burst)


@dataclass(frozen=True)
class Caller:
    """A person who calls, and a name of the token that they call with, which is not the token."""

    principal: Principal
    token: str
    desk: Desk

    def channel(self, cluster: str, wanted: str) -> str:
        """Return where an act is told: as asked, or the cluster's first channel of the policy."""
        channels = self.desk.policy.channels.items()
        return wanted or next((id for id, one in channels if one.cluster == cluster), "")


def parts_of(request: Request) -> Parts:
    """Return what the routes work with."""
    parts: Parts = request.app.state.parts
    return parts


At = Annotated[Parts, Depends(parts_of)]


def token_name(token: str) -> str:
    """Return a name for a token that tells nothing of it: for counting, and for keys in Redis."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _caller(
    request: Request,
    parts: At,
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    desk = parts.desk
    person = principal_for_token(shown.credentials, desk.policy, via="http") if shown else None
    if shown is None or person is None:
        parts.strangers.take(request.client.host if request.client else "")
        raise ProblemError(problem_of("unauthenticated", _WHO), {"WWW-Authenticate": "Bearer"})
    outsider = desk.directory.outsider(person.user)
    if outsider:
        said = f"drainbot takes no orders from {outsider}. Nothing changed."
        raise ProblemError(problem_of("not_allowed", said, reason=said))
    name = token_name(shown.credentials)
    parts.rates.take(name)
    principal = desk.directory.principal(person.team, person.user, via="http", scopes=person.scopes)
    return Caller(principal, name, desk)


By = Annotated[Caller, Depends(_caller)]


@dataclass(frozen=True)
class Key:
    """Names one act of one caller: a repeat with the same key and wish is the same act."""

    named: str  # what the client sent; empty where it sent nothing
    act: str

    def dedup(self) -> str:
        """Return the name of a request: the same key there with another wish is refused by it."""
        if not self.named:
            return f"http-{os.urandom(16).hex()}"
        return f"http-{_digest(self.named, self.act)}"

    def nonce(self, wish: Any = None) -> str:
        """Return the name of an act: the same key with another wish is another act."""
        if not self.named:
            return f"http-{os.urandom(16).hex()}"
        return f"http-{_digest(self.named, self.act, json.dumps(wish, sort_keys=True))}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _key(
    request: Request,
    caller: By,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern="^[!-~]([ -~]*[!-~])?$",
            description="Any word of yours: whoever sends the same request with it again is "
            "answered as before, and nothing is done twice.",
        ),
    ] = None,
) -> Key:
    named = f"{caller.principal.id}\n{idempotency_key}" if idempotency_key else ""
    return Key(named, f"{request.method} {request.url.path}")


IdempotencyKey = Annotated[Key, Depends(_key)]


def readable(caller: Caller, cluster: str) -> None:
    """Raise :class:`ProblemError` where somebody may not look at a cluster."""
    answer = may(caller.principal, Action.READ, Target(cluster=cluster), caller.desk.policy)
    if isinstance(answer, Denied):
        raise refused(Refused(reason=answer.reason, who_may=answer.who_may))
