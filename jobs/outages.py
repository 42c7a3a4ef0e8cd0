"""When a cluster's API server was away: decided without I/O, and kept in Redis.

A watcher that dies leaves what it had seen to the next one: an outage goes on from when it began,
is said once, and ends with what whoever comes after sees.

Key: outages  hash  when it began (ms) -> Outage (JSON); the latest ones
"""

from dataclasses import dataclass
from typing import cast

from jobs.durable import Store
from jobs.models import Outage

__all__ = ["SAID_AFTER", "Outages", "Sight", "after_a_look"]

SAID_AFTER = 120_000  # ms without an answer until it is said
LOOKS_MOST = 60_000  # ms for a look at every fence once it is back, until what is known is said
_KEPT = 20


@dataclass(frozen=True, slots=True)
class Sight:
    """What a watcher sees of its cluster `now` (ms).

    `silent`: for how long it has heard nothing (ms), 0 while it hears. `why` is what its last try
    brought; empty: it has not tried yet, and can't say that nobody answers.
    """

    now: int
    silent: int = 0
    why: str = ""
    hears: bool = True


def after_a_look(outage: Outage | None, cluster: str, sight: Sight) -> Outage | None:
    """Return how an outage stands after a look; None where there is none (any more).

    Whoever calls it adds what is to be known when `said_at` or `back_at` appear.
    """
    if not sight.hears and not sight.why:
        return outage
    if outage is None:
        since = sight.now - sight.silent
        return None if sight.hears else Outage(cluster=cluster, since=since, why=sight.why)
    if sight.hears:
        back = outage if outage.back_at else outage.model_copy(update={"back_at": sight.now})
        return back if outage.said_at else None
    if outage.back_at:  # away again before all was looked at: it was not really back
        return outage.model_copy(update={"back_at": 0, "why": sight.why})
    if outage.said_at or sight.now - outage.since < SAID_AFTER:
        return outage
    return outage.model_copy(update={"said_at": sight.now, "why": sight.why})


class Outages:
    """The outages of one cluster. One watcher writes; each write is one command."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._key = f"{store.prefix}outages"

    def all(self) -> tuple[Outage, ...]:
        """Return those that are kept, the oldest first."""
        raw = cast("dict[str, str]", self._redis.hgetall(self._key))
        found = [Outage.model_validate_json(text) for text in raw.values()]
        return tuple(sorted(found, key=lambda outage: outage.since))

    def current(self) -> Outage | None:
        """Return the one that is not over, or None."""
        return next((outage for outage in reversed(self.all()) if not outage.over), None)

    def keep(self, outage: Outage) -> None:
        """Write one down; of those that are over the oldest are forgotten."""
        self._redis.hset(self._key, str(outage.since), outage.model_dump_json())
        stale = [each for each in self.all() if each.over][:-_KEPT]
        if stale:
            self._redis.hdel(self._key, *(str(each.since) for each in stale))

    def drop(self, outage: Outage) -> None:
        """Forget one that was over before anybody had to be told."""
        self._redis.hdel(self._key, str(outage.since))
