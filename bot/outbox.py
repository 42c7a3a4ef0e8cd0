"""Notes "to one person only": queued by listeners, delivered by the notifier, never lost by a kill.

| key | holds |
|---|---|
| `drainbot:slack:notes` | list: notes that wait, the oldest at the tail, each `id|ms queued|JSON` |
| `drainbot:slack:notes:taken` | list: notes that a notifier is delivering |

A note is moved, not popped: what a killed notifier had taken goes back in line when the next one
starts. A note may thus be shown twice, and is never silently dropped before it is too old.
"""

import json
import uuid
from dataclasses import asdict, dataclass

import redis
import structlog

from bot.reaching import redis_reached

__all__ = ["KEY", "TAKEN", "Note", "Outbox", "TakenNote"]

KEY = "drainbot:slack:notes"
TAKEN = "drainbot:slack:notes:taken"

log = structlog.get_logger()

# Redis' clock stamps the note, so that bots on several hosts agree on how old it is.
_QUEUE = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
return redis.call('LPUSH', KEYS[1], ARGV[1] .. '|' .. string.format('%.0f', ms) .. '|' .. ARGV[2])
"""


@dataclass(frozen=True)
class Note:
    """A sentence for one person, in the channel (and thread) where they acted."""

    user: str
    channel: str
    text: str
    thread_ts: str = ""


@dataclass(frozen=True)
class TakenNote:
    """A note in delivery; `queued_at` in milliseconds since the epoch, `raw` as Redis holds it."""

    note: Note
    queued_at: int
    raw: str


class Outbox:
    """The queue of notes. Raises :class:`jobs.errors.StateUnavailable` while Redis is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._queue = client.register_script(_QUEUE)

    def queue_note(self, note: Note) -> None:
        """Put a note in line; it is durable when this returns."""
        with redis_reached():
            self._queue(keys=[KEY], args=[uuid.uuid4().hex, json.dumps(asdict(note))])

    def take(self) -> TakenNote | None:
        """Take the oldest note for delivery, or return None. It stays in Redis until done."""
        while True:
            with redis_reached():
                raw = self._redis.lmove(KEY, TAKEN, "RIGHT", "LEFT")
            if raw is None:
                return None
            text = raw.decode() if isinstance(raw, bytes) else raw
            taken = _read(text)
            if taken:
                return taken
            log.error("note_unreadable", size=len(text))
            self._remove(text)

    def done(self, taken: TakenNote) -> None:
        """Forget a note: it was delivered, or is too old."""
        self._remove(taken.raw)

    def recover(self) -> int:
        """Put back in line what a former notifier had taken, the oldest first; returns how many."""
        moved = 0
        with redis_reached():
            while self._redis.lmove(TAKEN, KEY, "LEFT", "RIGHT") is not None:
                moved += 1
        return moved

    def _remove(self, raw: str) -> None:
        with redis_reached():
            self._redis.lrem(TAKEN, 1, raw)


def _read(raw: str) -> TakenNote | None:
    try:
        _, at, body = raw.split("|", 2)
        return TakenNote(Note(**json.loads(body)), int(at), raw)
    except (ValueError, TypeError):
        return None
