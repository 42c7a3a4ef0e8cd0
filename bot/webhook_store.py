"""WebhookStore: words with which an outside system settles one question, once, until they expire.

| key | holds |
|---|---|
| `drainbot:bot:webhook:<sha256 of the token>` | a JSON document, see :class:`Webhook` |

Only the hash of a token is stored, and for a week beyond its end. A webhook is its minter's own
act, put off: whether they may is judged when it is used, by the policy of then, with the scopes of
the token that it was made with.
"""

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, replace

from redis import Redis

from bot.reaching import redis_reached
from jobs.models import Principal

__all__ = ["LONGEST", "SHORTEST", "TOKEN", "Webhook", "WebhookStore"]

SHORTEST, LONGEST = 60, 7 * 86_400
"""Seconds that a webhook may live."""

TOKEN = "^[A-Za-z0-9_-]{43}$"  # noqa: S105  what one looks like: 256 bits in base64url
_REMEMBERED = 7 * 86_400_000  # ms after its end for which it is told what became of it
_KEY = "drainbot:bot:webhook:"


@dataclass(frozen=True)
class Webhook:
    """What a token is for. Times in ms since the epoch; `used_at` 0: not yet.

    `scopes` are those of the token that made it; None: it was made without one.
    """

    question: str
    choice: str
    team: str
    user: str
    scopes: tuple[str, ...] | None
    made_at: int
    expires_at: int
    used_at: int = 0

    @property
    def by(self) -> str:
        """Who made it, as `team:user`."""
        return f"{self.team}:{self.user}"


class WebhookStore:
    """The webhooks that were made. Raises :class:`jobs.errors.StateUnavailable`."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def make(
        self, principal: Principal, question: str, choice: str, *, seconds: int, now: int
    ) -> tuple[str, Webhook]:
        """Store a webhook; returns its token, which nobody can be told again."""
        token = urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        scopes = None if principal.scopes is None else tuple(sorted(principal.scopes))
        made = Webhook(
            question, choice, principal.team, principal.user, scopes, now, now + seconds * 1000
        )
        with redis_reached():
            kept = seconds * 1000 + _REMEMBERED
            self._redis.set(_key(token), json.dumps(asdict(made)), px=kept)
        return token, made

    def find(self, token: str) -> Webhook | None:
        """Return what a token is for, also if it was used or has expired lately."""
        with redis_reached():
            stored = self._redis.get(_key(token))
        if not isinstance(stored, str | bytes):
            return None
        fields = json.loads(stored)
        scopes = fields.pop("scopes")
        return Webhook(**fields, scopes=None if scopes is None else tuple(scopes))

    def used(self, token: str, webhook: Webhook, now: int) -> None:
        """Note that it was used: it is for once."""
        done = json.dumps(asdict(replace(webhook, used_at=now)))
        with redis_reached():
            kept = max(1, webhook.expires_at + _REMEMBERED - now)
            self._redis.set(_key(token), done, px=kept)

    @staticmethod
    def nonce(token: str) -> str:
        """Return the name of the one act that a token stands for, however often it is sent."""
        return f"webhook-{_digest(token)[:40]}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key(token: str) -> str:
    return f"{_KEY}{_digest(token)}"
