"""Named leases, for roles of which one holder is wanted, and the border to a Redis that is away."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from jobs.durable import Store
from jobs.errors import StateUnavailable


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Turn whatever keeps Redis from answering into :class:`StateUnavailable`."""
    try:
        yield
    except RedisError as error:
        raise StateUnavailable(f"Redis can't be reached: {error}") from error


class NamedLease:
    """A named lease in Redis: at most one holder at a time, by Redis' clock."""

    def __init__(self, store: Store, name: str, seconds: float) -> None:
        self._store = store
        self._name = name
        self._seconds = seconds
        self._owner = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._token = 0

    @property
    def token(self) -> int:
        """The fencing token of the current term; 0: not held."""
        return self._token

    def hold(self) -> bool:
        """Take or renew the lease; False while somebody else holds it."""
        with reaching_redis():
            self._token = self._store.lease(self._name, self._owner, self._seconds)
        return self._token > 0

    def release(self) -> None:
        """Give it up if it is ours."""
        with reaching_redis():
            self._store.lease(self._name, self._owner, 0)
        self._token = 0
