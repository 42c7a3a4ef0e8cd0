"""Freezing a cluster, and thawing it again."""

from bot.commands.ask import known_cluster
from bot.commands.desk import Desk
from bot.grammar import Hold
from jobs.models import Froze, Principal, Refused

__all__ = ["hold"]


def hold(
    desk: Desk, principal: Principal, order: Hold, *, channel: str = "", nonce: str
) -> Froze | Refused:
    """Freeze or thaw a cluster; the same `nonce` is answered alike.

    Raises :class:`jobs.options.UsageError` for a cluster that the policy does not list, and
    :class:`jobs.errors.StateUnavailable`.
    """
    known_cluster(desk, order.cluster)
    act = desk.client.freeze if order.verb == "freeze" else desk.client.thaw
    return act(principal, order.cluster, reason=order.reason, channel=channel, nonce=nonce)
