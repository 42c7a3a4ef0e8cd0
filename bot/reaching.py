"""One way to say, for all that the bot itself keeps in Redis, that Redis can't be reached."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from jobs.errors import StateUnavailable

__all__ = ["redis_reached"]


@contextmanager
def redis_reached() -> Iterator[None]:
    """Turn whatever keeps Redis from answering into :class:`StateUnavailable`."""
    try:
        yield
    except RedisError as error:
        raise StateUnavailable("Redis can't be reached.") from error
