"""Whether a cluster's workers take work, and whether one would be left if a node went."""

from collections.abc import Mapping

from redis.exceptions import NoPermissionError, RedisError

from jobs.doctor.findings import Finding, ok, unknown, unsafe
from jobs.durable import Store, connect
from jobs.hosts import Hosts, Lives, hosts_of
from jobs.hosts.lives import readable

PART = "workers"


def examine_workers(url: str, cluster: str, *, timeout: float = 3.0) -> list[Finding]:
    """Look at where a cluster's workers are, and at what they make of their nodes."""
    redis = connect(url, name="drainbot-doctor", patience=0, timeout=timeout)
    try:
        store = Store(redis, cluster)
        hosts, lives = hosts_of(store), Lives(store)
        halted = {
            node: life.state.halted_because
            for node in sorted(hosts.alive - {""})
            if (life := readable(lives.kept(node))) is not None and life.state.halted
        }
    except NoPermissionError:
        mend = "Run the doctor with the worker's DRAINBOT_REDIS_URL to have the workers looked at."
        return [unknown(PART, "this user may not see which workers are alive", mend)]
    except RedisError as error:
        return [unknown(PART, f"Redis does not answer: {error}", "Try again.")]
    finally:
        redis.close()
    return judge_workers(hosts, halted, cluster)


def judge_workers(hosts: Hosts, halted: Mapping[str, str], cluster: str) -> list[Finding]:
    """Judge where workers are alive; `halted` says of nodes why their workers take no work."""
    found = [
        unsafe(
            PART,
            f"those on {node} are halted: {why}",
            f"Look at it, then: drainbot clear-halt {node} --why 'what was looked at'",
        )
        for node, why in sorted(halted.items())
    ]
    if not hosts.alive:
        return [unknown(PART, f"none of {cluster} is alive", "Start one, or look where it is.")]
    if hosts.alive == {""}:
        mend = "Set DRAINBOT_NODE_NAME, as manifests/base/worker.yaml does."
        return [*found, unknown(PART, "they are told no node, so none is followed", mend)]
    places = ", ".join(sorted(node or "a node that it was not told" for node in hosts.alive))
    if len(hosts.alive) == 1:
        mend = "Run two, on two nodes: while the one's node drains the other goes on."
        return [*found, unknown(PART, f"there are some on {places} only", mend)]
    return [*found, ok(PART, f"there are some on {places}")]
