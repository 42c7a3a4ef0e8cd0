"""The outbox of pages: queued once by the notifier, kept until a pager took them.

| key | holds |
|---|---|
| `drainbot:pages:noted:OPERATION` | hash: key of a page → when it was queued, in ms; 40 days |
| `drainbot:pages:to:PAGER` | hash: id of a page → the page as JSON, until it was taken |

PAGER is :func:`pager_key` of its address. One script notes a page and queues it for all pagers, or
does nothing where it was noted before: a repeat, or a notifier that was deposed, queues nothing
twice. Time is Redis' own.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import redis
import structlog
from pydantic import Field, ValidationError

from bot.reaching import redis_reached
from jobs.models import Frozen

__all__ = ["PageStore", "QueuedPage", "pager_key"]

_KEPT = 40 * 24 * 3600  # s: longer than finished operations are kept
_QUEUE_KEPT = 2 * 24 * 3600  # s: a pager that left the policy leaves its queue behind
# KEYS: noted, one queue a pager. ARGV: key, seconds to keep it, key that comes first or "", seconds
# to keep a queue that nobody empties, then an id and a body for each queue. Returns 1 where it was
# queued, 0 where it was noted before, -1 where what comes first was never noted.
_NOTE = """
if redis.call('HGET', KEYS[1], ARGV[1]) then return 0 end
if ARGV[3] ~= '' and not redis.call('HGET', KEYS[1], ARGV[3]) then return -1 end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], now)
redis.call('EXPIRE', KEYS[1], ARGV[2])
for i = 2, #KEYS do
  local id, body = ARGV[2 * i + 1], ARGV[2 * i + 2]
  local page = '{"id":"' .. id .. '","queued_at":' .. now .. ',"body":' .. body .. '}'
  redis.call('HSET', KEYS[i], id, page)
  redis.call('EXPIRE', KEYS[i], ARGV[4])
end
return 1
"""
# KEYS: queue. ARGV: id, JSON. Changes a page that still waits; one that was taken stays gone.
_CHANGE = """
if not redis.call('HGET', KEYS[1], ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""

log = structlog.get_logger()


class QueuedPage(Frozen):
    """A page for one pager: how often it was tried, and when it may be tried again (s, epoch)."""

    id: str
    queued_at: int
    body: dict[str, Any] = Field(default_factory=dict)
    attempts: int = 0
    next_at: float = 0


def pager_key(url: str) -> str:
    """Return the name of a pager in Redis: its address may be long, and is nobody's business."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


class PageStore:
    """The outbox of the pagers with these addresses.

    Raises :class:`jobs.errors.StateUnavailable` while Redis is away.
    """

    def __init__(self, client: "redis.Redis", urls: Sequence[str]) -> None:
        self._redis = client
        self._pagers = tuple(pager_key(url) for url in urls)
        self._note = client.register_script(_NOTE)
        self._change = client.register_script(_CHANGE)

    def note(self, operation: str, key: str, body: Mapping[str, Any], *, after: str = "") -> bool:
        """Queue a page for every pager unless it was before; whether it is noted now.

        With `after`, only where that key was noted.
        """
        keys: list[str] = [_noted(operation)]
        parts: list[str | int] = [key, _KEPT, after, _QUEUE_KEPT]
        for pager in self._pagers:
            text = f"{operation}|{key}|{pager}"
            keys.append(_queue(pager))
            parts += [hashlib.sha256(text.encode()).hexdigest()[:32], json.dumps(body)]
        with redis_reached():
            return int(cast("int", self._note(keys=keys, args=parts))) >= 0

    def waiting(self, pager: str) -> tuple[QueuedPage, ...]:
        """Return the pages that wait for a pager, the oldest first."""
        with redis_reached():
            stored = cast("dict[Any, Any]", self._redis.hgetall(_queue(pager)))
        pages = []
        for id, raw in stored.items():
            try:
                pages.append(QueuedPage.model_validate_json(raw))
            except ValidationError:
                log.exception("page_unreadable", id=str(id))
                self.done(pager, str(id))
        return tuple(sorted(pages, key=lambda page: (page.queued_at, page.id)))

    def change(self, pager: str, page: QueuedPage) -> bool:
        """Store how a page stands; False where it waits no more."""
        with redis_reached():
            changed = self._change(keys=[_queue(pager)], args=[page.id, page.model_dump_json()])
        return bool(changed)

    def done(self, pager: str, id: str) -> None:
        """Forget a page: it was taken, or given up."""
        with redis_reached():
            self._redis.hdel(_queue(pager), id)


def _noted(operation: str) -> str:
    return f"drainbot:pages:noted:{operation}"


def _queue(pager: str) -> str:
    return f"drainbot:pages:to:{pager}"
