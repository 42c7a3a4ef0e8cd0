"""What a worker waits for before it forks: a Redis that answers, and a look at the cluster.

Each is said in one line that names the setting; then it is tried again, with backoff, for ever:
whoever starts a worker too early should find it working later.
"""

import time
from collections.abc import Callable, Iterator

import structlog
from redis.exceptions import AuthenticationError, RedisError

from jobs.durable import connect
from jobs.errors import ConfigError
from jobs.kubernetes import Cluster, Forbidden, KubernetesError, Unauthorized

log = structlog.get_logger(__name__)
FIRST_WAIT, LONGEST_WAIT = 0.25, 1.5  # seconds: at work within two of an outage's end


def backoff() -> Iterator[float]:
    """Yield the seconds to wait before each next try."""
    wait = FIRST_WAIT
    while True:
        yield wait
        wait = min(wait * 2, LONGEST_WAIT)


def wait_for_redis(url: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when Redis answers. Leaves no connection open, so that a fork may follow.

    Raises :class:`ConfigError` where it answers that the name or the password is wrong.
    """
    for wait in backoff():
        redis = connect(url, name="drainbot-start", patience=0, timeout=2.0)
        try:
            redis.ping()
        except AuthenticationError as error:
            raise ConfigError(
                "Redis does not take the name or password in DRAINBOT_REDIS_URL."
            ) from error
        except RedisError:
            log.warning("waiting_for_redis", setting="DRAINBOT_REDIS_URL", again_in=wait)
            sleep(wait)
        else:
            return
        finally:
            redis.close()


def look_at_cluster(cluster: Cluster) -> None:
    """Ask the API server for its version; say in one line if it does not answer, and go on."""
    try:
        cluster.ask("GET", "/version", timeout=3.0)
    except (Unauthorized, Forbidden) as error:
        log.warning("cluster_refuses", setting="KUBECONFIG", error=str(error))
    except KubernetesError as error:
        log.warning("waiting_for_cluster", setting="KUBECONFIG", error=str(error))
    finally:
        cluster.close()
