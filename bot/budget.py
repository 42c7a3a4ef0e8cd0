"""How often Slack may be called, as a value: token buckets by method and channel.

Slack's figures (https://docs.slack.dev/apis/web-api/rate-limits): posts about one a second and
channel; updates 50 a minute for the whole workspace; ephemerals, views and users.info 100 a minute.
We stay below, so that the listeners' calls with the same token find room too. A bucket allows
`burst` at once and `rate` a second after that: in any minute at most `burst + 60 * rate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

__all__ = ["LIMITS", "Budget", "Limit"]


@dataclass(frozen=True)
class Limit:
    """The limit of one method; `per_channel` where each channel has its own."""

    rate: float
    burst: float
    per_channel: bool = False


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "chat.postMessage": Limit(rate=1, burst=3, per_channel=True),
        "chat.update": Limit(rate=40 / 60, burst=5),  # 45 in any minute
        "chat.postEphemeral": Limit(rate=80 / 60, burst=10),
        "chat.delete": Limit(rate=40 / 60, burst=5),
        "chat.getPermalink": Limit(rate=1, burst=5),
        "conversations.history": Limit(rate=40 / 60, burst=5),
        "conversations.replies": Limit(rate=40 / 60, burst=5),
        "users.info": Limit(rate=40 / 60, burst=10),
        "views.publish": Limit(rate=70 / 60, burst=15),
    }
)


@dataclass(frozen=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(frozen=True)
class Budget:
    """What may be called when. Times are seconds on any clock that never goes back."""

    limits: Mapping[str, Limit] = field(default_factory=lambda: LIMITS)
    buckets: Mapping[tuple[str, str], _Bucket] = field(default_factory=dict)
    paused: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def ready_at(self, method: str, channel: str, now: float, *, spare: float = 0) -> float:
        """Return when the method may be called: `now`, or a time after it.

        `spare` are calls that are to be left over for others: what may wait asks for some.
        """
        limit = self.limits[method]
        key = _key(method, channel, limit)
        wanted = 1 + min(spare, limit.burst - 1)
        missing = max(0.0, wanted - self._tokens(key, limit, now))
        return max(now + missing / limit.rate, self.paused.get(key, now))

    def spend(self, method: str, channel: str, now: float) -> "Budget":
        """Return the budget after one call."""
        limit = self.limits[method]
        key = _key(method, channel, limit)
        bucket = _Bucket(self._tokens(key, limit, now) - 1, now)
        return replace(self, buckets={**self._current(now), key: bucket})

    def pause(self, method: str, channel: str, now: float, seconds: float) -> "Budget":
        """Return the budget after a 429: nothing of the kind for so many seconds."""
        limit = self.limits[method]
        key = _key(method, channel, limit)
        empty = _Bucket(min(0.0, self._tokens(key, limit, now)), now)
        still = {k: until for k, until in self.paused.items() if until > now}
        return replace(
            self,
            buckets={**self.buckets, key: empty},
            paused={**still, key: max(still.get(key, now), now + seconds)},
        )

    def _tokens(self, key: tuple[str, str], limit: Limit, now: float) -> float:
        bucket = self.buckets.get(key)
        if bucket is None:
            return limit.burst
        return min(limit.burst, bucket.tokens + max(0.0, now - bucket.at) * limit.rate)

    def _current(self, now: float) -> dict[tuple[str, str], _Bucket]:
        # Full buckets say nothing: forgetting them keeps the value small in a big workspace.
        return {
            key: bucket
            for key, bucket in self.buckets.items()
            if self._tokens(key, self.limits[key[0]], now) < self.limits[key[0]].burst
        }


def _key(method: str, channel: str, limit: Limit) -> tuple[str, str]:
    return method, channel if limit.per_channel else ""
