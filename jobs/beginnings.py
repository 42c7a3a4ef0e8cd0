"""When the state of a cluster began, and what a state before it left behind; kept in Redis.

Keys: born   string  when this state began (ms); set once
      lost   string  what the state before it left behind (JSON: LostState); kept for 30 days
"""

from typing import cast

from jobs.durable import Store
from jobs.models import LostState

_KEPT = 30 * 86_400  # s: below the 40 days of the bot's message records, so that it is told once


class Beginnings:
    """The beginning of one cluster's state."""

    def __init__(self, store: Store) -> None:
        self._redis = store.redis
        self._born, self._lost = f"{store.prefix}born", f"{store.prefix}lost"

    def known(self) -> bool:
        """Whether the nodes were looked at since this state began."""
        return bool(self._redis.exists(self._born))

    def begin(self, now: int, lost: LostState | None) -> None:
        """Note that the nodes were looked at `now` (ms), and what was found to be lost.

        In one, and only if nobody has: two watchers may look where their lease was lost as well.
        """
        pipe = self._redis.pipeline(transaction=True)
        if lost is not None:
            pipe.set(self._lost, lost.model_dump_json(), nx=True, ex=_KEPT)
        pipe.set(self._born, now, nx=True)
        pipe.execute()

    def lost(self) -> LostState | None:
        """Return what was lost with the state before this one, or None."""
        raw = cast("str | None", self._redis.get(self._lost))
        return LostState.model_validate_json(raw) if raw else None
