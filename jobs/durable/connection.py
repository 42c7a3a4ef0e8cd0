"""Connections to Redis that outlive an outage, and carry their owner's name.

The name is set where a connection is made, because RQ sets it once and loses it on reconnection:
a name that is missing from `CLIENT LIST` is the hint that its process is gone.
"""

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004
    MasterDownError,
    ReadOnlyError,
    TimeoutError,  # noqa: A004
)
from redis.retry import Retry

# Tries of 50 ms: a worker waits out minutes of Redis being away, and is there again at once.
# Whoever has no patience left begins anew: that only takes some seconds longer.
PATIENT = 6000
# It is away, starts, or is a replica that is not promoted yet: nothing was written then.
_PASSING = [ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, MasterDownError]


def connect(
    url: str, *, name: str, patience: int = PATIENT, timeout: float = 5.0, text: bool = True
) -> Redis:
    """Return a client for `url` whose calls are tried again for `patience` times 50 ms.

    `timeout` bounds each try, in seconds. Nothing is sent before it is first used, so that a
    client may be made before a fork. `text` False gives bytes, which is what RQ wants.
    """
    retry = Retry(ConstantBackoff(0.05), patience)
    return Redis.from_url(
        url,
        client_name=name,
        decode_responses=text,
        retry=retry,
        retry_on_error=_PASSING,
        socket_timeout=timeout,
        socket_connect_timeout=min(timeout, 2.0),
        health_check_interval=0,
    )
