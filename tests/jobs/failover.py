"""What a failover to a replica that lags does: Redis is as it was some writes ago."""

from collections.abc import Callable
from typing import Any

from redis import Redis

# In one, so that it is a moment of Redis: a replica lacks the last writes and none before them.
_ALL = """
local kept = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  kept[#kept + 1] = {key, redis.call('DUMP', key), math.max(0, redis.call('PTTL', key))}
end
return kept
"""


def snapshot(redis: Redis) -> Callable[[], None]:
    """Remember all that Redis holds; returns what brings it back, in one."""
    address = {key: redis.connection_pool.connection_kwargs[key] for key in ("host", "port", "db")}
    with Redis(**address) as raw:
        kept: Any = raw.eval(_ALL, 0)

    def fail_over() -> None:
        pipe = redis.pipeline(transaction=True)
        pipe.flushdb()
        for key, value, ttl in kept:
            pipe.restore(key.decode(), ttl, value)
        pipe.execute()

    return fail_over
