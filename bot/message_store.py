"""Where each message is in Slack: durable, and written by the newest notifier only.

| key | holds |
|---|---|
| `drainbot:slack:fence` | the highest fencing token of a notifier that has written |
| `drainbot:slack:messages:OPERATION` | hash: message key → a record as JSON |

Each write carries the token of the notifier's lease, and one script compares and writes: what a
deposed notifier still wants to say about the state of things is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

import redis
import structlog

from bot.reaching import redis_reached

__all__ = ["FENCE", "HOME", "Deposed", "MessageStore", "Record", "key_of"]

FENCE = "drainbot:slack:fence"
HOME = "@home"  # the record that says where an operation is told, once it has moved

_KEPT = 40 * 24 * 3600  # s: longer than finished operations are kept
_WRITE = """
local newest = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) < newest then return 0 end
if tonumber(ARGV[1]) > newest then redis.call('SET', KEYS[1], ARGV[1]) end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
"""

log = structlog.get_logger()


class Deposed(Exception):  # noqa: N818  (it names what happened to us, not a mistake)
    """Another notifier has written since: this one must stop."""


@dataclass(frozen=True)
class Record:
    """What is known of one message.

    `unsent` is certainly not in Slack. `sending` is stored before a post or an update, `sent`
    after it, with what was said. A post that was begun and has no `ts` may be in Slack: it is
    looked for by `sent_as`, the key in its metadata. `lost` was deleted, or its channel is gone.

    Times are milliseconds since the epoch: `began` that of the last try, `first` of the first,
    `updated` when Slack last took it; `again_at` when to update once more, since a deposed
    notifier's update may still arrive; `check_at` when to look for a late duplicate. `by` is the
    token of who began. `losses` counts how often it was deleted or refused. `moved_from` is of
    :data:`HOME` only: the channel that can't be reached any more.
    """

    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    digest: str = ""
    version: int = 0
    state: Literal["unsent", "sending", "sent", "lost"] = "sending"
    sent_as: str = ""
    by: int = 0
    began: int = 0
    first: int = 0
    updated: int = 0
    again_at: int = 0
    check_at: int = 0
    link: str = ""
    losses: int = 0
    moved_from: str = ""

    def change(self, **changes: Any) -> "Record":
        """Return the record with some fields changed."""
        return replace(self, **changes)


def key_of(operation: str) -> str:
    """Return the key of an operation's hash."""
    return f"drainbot:slack:messages:{operation}"


class MessageStore:
    """The records, by operation.

    Raises :class:`jobs.errors.StateUnavailable` while Redis is away.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._write = client.register_script(_WRITE)

    def read(self, operation: str) -> dict[str, Record]:
        """Return all records of an operation, by message key."""
        with redis_reached():
            stored = cast("dict[Any, Any]", self._redis.hgetall(key_of(operation)))
        records = {_text(key): _record(_text(raw)) for key, raw in stored.items()}
        return {key: record for key, record in records.items() if record is not None}

    def write(self, token: int, operation: str, records: Mapping[str, Record]) -> None:
        """Write records under the lease's token. Raises :class:`Deposed` if a newer one wrote."""
        fields = [
            part
            for key, record in records.items()
            for part in (key, json.dumps(asdict(record), separators=(",", ":")))
        ]
        with redis_reached():
            written = self._write(keys=[FENCE, key_of(operation)], args=[token, _KEPT, *fields])
        if not written:
            raise Deposed


def _text(raw: str | bytes) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def _record(raw: str) -> Record | None:
    try:
        fields = json.loads(raw)
        return Record(
            **{name: fields[name] for name in Record.__dataclass_fields__ if name in fields}
        )
    except (ValueError, TypeError):
        log.exception("message_record_unreadable", size=len(raw))
        return None
