"""End the halt of the workers on a node, for whoever may decide in the cluster.

It is done on the workers' side, in the Redis that they follow: a worker that is halted carries out
no operation that could do it.
"""

from jobs.audit import Facts
from jobs.authorization import Action, Denied, Target, may
from jobs.durable import Store, connect
from jobs.hosts import Lives
from jobs.ids import quoted
from jobs.leases import reaching_redis
from jobs.models import Principal, Refused
from jobs.policy import Policy
from jobs.workload import HaltStands


def clear_halt(
    redis_url: str,
    policy: Policy,
    principal: Principal,
    cluster: str,
    node: str,
    *,
    why: str,
    channel: str = "",
) -> str | Refused:
    """End a halt, and write down who did and why; returns what the workers there do now.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    if not why.strip():
        return Refused(reason="Say why: what was looked at, and is well. Nothing changed.")
    if cluster not in policy.clusters:
        return Refused(reason=f"There is no cluster {quoted(cluster)} here. Nothing changed.")
    target = Target(cluster=cluster, channel=channel)
    allowed = may(principal, Action.CLEAR_HALT, target, policy)
    if isinstance(allowed, Denied):
        return Refused(reason=allowed.reason, who_may=allowed.who_may)
    facts = Facts(policy).act(principal, target, Action.CLEAR_HALT)
    redis = connect(redis_url, name="drainbot-clear-halt", patience=1, timeout=3.0)
    try:
        with reaching_redis():
            lives = Lives(Store(redis, cluster))
            step = lives.clear(node, by=principal.id, why=why.strip(), audit=facts)
    except HaltStands as error:
        return Refused(reason=f"{error} Nothing changed.")
    finally:
        redis.close()
    if step.life.state.accepts_new_work:
        return f"The workers on {node} take work again."
    return f"The workers on {node} are halted no more; it is {step.life.state.mode}: they rest."
