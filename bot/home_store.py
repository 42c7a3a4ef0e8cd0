"""Who looked at the home tab lately, and what each of them is told there alone.

| key | holds |
|---|---|
| `drainbot:slack:home:looked` | hash: user → when they looked last, in ms |
| `drainbot:slack:home:told` | hash: user → `ms|words`, for what came of a press there |

Any copy of the bot writes, the notifier reads. Both keys expire with the interest in them. Time is
Redis' own, and a repeat of any call does no harm.
"""

from dataclasses import dataclass
from typing import cast

import redis

from bot.reaching import redis_reached

__all__ = ["LOOKED", "TOLD", "HomeStore", "Looker"]

LOOKED = "drainbot:slack:home:looked"
TOLD = "drainbot:slack:home:told"

_KEPT = 15 * 60  # s: who looked longer ago looks no more
_TOLD_FOR = 120  # s that words to one person stand at the top of their page

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
# KEYS: looked. ARGV: user, seconds to keep.
_LOOK = (
    _NOW
    + """
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
)
# KEYS: told. ARGV: user, seconds to keep, words.
_TELL = (
    _NOW
    + """
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. '|' .. ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
)
# KEYS: looked, told. ARGV: seconds for each. Returns who looked and what they are told, in turn;
# drops what is too old, in the same script, so that no look in between is lost.
_LOOKERS = (
    _NOW
    + """
local told, answer = {}, {}
local words = redis.call('HGETALL', KEYS[2])
for i = 1, #words, 2 do
  local bar = string.find(words[i + 1], '|', 1, true)
  if tonumber(string.sub(words[i + 1], 1, bar - 1)) > now - ARGV[2] * 1000 then
    told[words[i]] = string.sub(words[i + 1], bar + 1)
  else
    redis.call('HDEL', KEYS[2], words[i])
  end
end
local looked = redis.call('HGETALL', KEYS[1])
for i = 1, #looked, 2 do
  if tonumber(looked[i + 1]) > now - ARGV[1] * 1000 then
    table.insert(answer, looked[i])
    table.insert(answer, looked[i + 1])
    table.insert(answer, told[looked[i]] or '')
  else
    redis.call('HDEL', KEYS[1], looked[i])
  end
end
return answer
"""
)


@dataclass(frozen=True)
class Looker:
    """Somebody who looked lately, when (ms since the epoch), and what they are told alone."""

    user: str
    looked_at: int
    told: str = ""


class HomeStore:
    """Raises :class:`jobs.errors.StateUnavailable` while Redis is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._look = client.register_script(_LOOK)
        self._tell = client.register_script(_TELL)
        self._lookers = client.register_script(_LOOKERS)
        self._client = client

    def looked(self, user: str) -> None:
        """Note that somebody looks at their home tab now, or pressed something there."""
        with redis_reached():
            self._look(keys=[LOOKED], args=[user, _KEPT])

    def tell(self, user: str, words: str) -> None:
        """Tell somebody something on their page; it is durable when this returns."""
        with redis_reached():
            self._tell(keys=[TOLD], args=[user, _TOLD_FOR, words])

    def heard(self, user: str) -> None:
        """Take back what somebody is told on their page: they have read it elsewhere."""
        with redis_reached():
            self._client.hdel(TOLD, user)

    def lookers(self) -> tuple[Looker, ...]:
        """Return who looked in the last 15 minutes."""
        with redis_reached():
            reply = self._lookers(keys=[LOOKED, TOLD], args=[_KEPT, _TOLD_FOR])
        flat = [_text(part) for part in cast("list[str | bytes]", reply)]
        return tuple(
            Looker(user, int(at), told)
            for user, at, told in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        )


def _text(raw: str | bytes) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
