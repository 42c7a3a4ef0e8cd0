"""Webhooks in Redis: words with which an outside system settles one question, until they expire.

Only the hash of a word is stored, and for a week beyond its end. A webhook is its maker's own act,
put off: whether they may is judged when it is used, by the policy of then, with the scopes of the
token that it was made with. That one is made, used or revoked stands in the audit log.
"""

import hashlib
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, cast

from jobs.durable import Store
from jobs.durable.scripts import Scripts
from jobs.leases import reaching_redis
from jobs.models import Principal, QuestionView, Webhook

__all__ = ["Webhooks"]

_REMEMBERED = 7 * 86_400_000  # ms after its end for which it is told what became of it
_KEY = "drainbot:bot:webhook:"
_ID = 12  # letters of the hash that name it to people


class Webhooks:
    """The webhooks of all clusters. Raises :class:`jobs.errors.StateUnavailable`."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores

    def make(
        self, principal: Principal, question: QuestionView, choice: str, *, seconds: int, now: int
    ) -> tuple[str, Webhook]:
        """Store a webhook made `now` (ms); returns its word, which nobody can be told again."""
        token = urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        made = Webhook(
            id=_digest(token)[:_ID],
            cluster=question.cluster,
            question=question.id,
            operation=question.operation,
            choice=choice,
            team=principal.team,
            user=principal.user,
            scopes=None if principal.scopes is None else tuple(sorted(principal.scopes)),
            made_at=now,
            expires_at=now + seconds * 1000,
        )
        with reaching_redis():
            self._write(_digest(token), None, made, "webhook_made", by=made.by, now=now)
        return token, made

    def find(self, token: str) -> Webhook | None:
        """Return what a word is for, also if it was used or has ended lately."""
        with reaching_redis():
            return self._read([_digest(token)])[0]

    def used(self, token: str, webhook: Webhook, now: int) -> None:
        """Note that it was used: it is for once."""
        done = webhook.model_copy(update={"used_at": now})
        with reaching_redis():
            self._write(_digest(token), webhook, done, "webhook_used", by=webhook.by, now=now)

    def of(self, cluster: str) -> tuple[Webhook, ...]:
        """Return those of a cluster that are open, or ended in the last week; the newest first."""
        with reaching_redis():
            found = self._of(cluster).values()
        return tuple(sorted(found, key=lambda each: each.made_at, reverse=True))

    def revoke(self, cluster: str, id: str, *, by: str, now: int) -> Webhook | None:
        """Take one back, if it is open; returns how it stands then, None if there is none."""
        with reaching_redis():
            while True:
                known = self._of(cluster)
                digest = next((each for each in known if each.startswith(id)), "")
                if len(id) != _ID or not digest:
                    return None
                found = known[digest]
                if found.state(now) != "open":
                    return found
                taken = found.model_copy(update={"revoked_at": now, "revoked_by": by})
                if self._write(digest, found, taken, "webhook_revoked", by=by, now=now):
                    return taken

    @staticmethod
    def nonce(token: str) -> str:
        """Return the name of the one act that a word stands for, however often it is sent."""
        return f"webhook-{_digest(token)[:40]}"

    def _of(self, cluster: str) -> dict[str, Webhook]:
        store = self._stores.get(cluster)
        if store is None:
            return {}
        digests = [*cast("dict[str, str]", store.redis.hgetall(f"{store.prefix}webhooks"))]
        found = zip(digests, self._read(digests), strict=True)
        return {digest: webhook for digest, webhook in found if webhook is not None}

    def _read(self, digests: list[str]) -> list[Webhook | None]:
        store = next(iter(self._stores.values()), None)
        if store is None:
            return [None] * len(digests)
        pipe = store.redis.pipeline(transaction=False)
        for digest in digests:
            pipe.get(f"{_KEY}{digest}")
        return [Webhook.model_validate_json(raw) if raw else None for raw in pipe.execute()]

    def _write(
        self, digest: str, was: Webhook | None, webhook: Webhook, what: str, *, by: str, now: int
    ) -> bool:
        store = self._stores[webhook.cluster]
        ends = cast("dict[str, str]", store.redis.hgetall(f"{store.prefix}webhooks"))
        fields: dict[str, Any] = {
            "by": by, "question": webhook.question, "choice": webhook.choice, "hook": webhook.id,
        }  # fmt: skip
        reply = Scripts(store.redis, store.clock, package="jobs.audit").call(
            "webhook",
            group=store.group,
            digest=digest,
            was="" if was is None else was.model_dump_json(),
            document=webhook.model_dump_json(),
            keep=max(1, webhook.expires_at + _REMEMBERED - now),
            ends=webhook.expires_at,
            what=what,
            op=webhook.operation,
            fields=fields,
            stale=[each for each, end in ends.items() if int(end) + _REMEMBERED < now],
        )
        return bool(reply["result"] == "ok")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
