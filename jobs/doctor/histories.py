"""Whether the code at hand still fits what is under way: asked before it is deployed."""

from collections.abc import Callable

from jobs.durable import Store, connect
from jobs.durable.replay import Replayed, replay_live
from jobs.leases import reaching_redis
from jobs.workflows.registry import registry


def replay_cluster(
    redis_url: str, cluster: str, *, clock: Callable[[], int] | None = None
) -> tuple[Replayed, ...]:
    """Replay every live workflow of a cluster against this code, without acting.

    Raises :class:`jobs.errors.StateUnavailable` where Redis does not answer.
    """
    redis = connect(redis_url, name="drainbot-replay-check", patience=1, timeout=5.0)
    try:
        with reaching_redis():
            return replay_live(Store(redis, cluster, clock=clock), registry())
    finally:
        redis.close()
