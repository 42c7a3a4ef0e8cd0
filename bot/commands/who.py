"""Who may do what, by the policy of today: to one node, or by each rule of a cluster."""

from bot.commands.ask import known_cluster, known_nodes
from bot.commands.desk import Desk, Place
from bot.commands.pools import Pool, allowed, pools_of
from bot.messages.who import Who
from jobs.authorization import Action
from jobs.models import Principal

__all__ = ["who"]

_ASKED: tuple[tuple[Action, str], ...] = (
    (Action.REQUEST, "ask"),
    (Action.APPROVE, "approve"),
    (Action.DECIDE, "decide"),
    (Action.FORCE, "force"),
)


def who(desk: Desk, principal: Principal, node: str, place: Place) -> tuple[Who, ...]:
    """Return the rules of a cluster, or that of one node ("": all), with what the person may.

    Raises :class:`jobs.options.UsageError` for a cluster or a node that does not exist, and
    :class:`jobs.errors.StateUnavailable`.
    """
    known_cluster(desk, place.cluster)
    if node:
        known_nodes(desk, place.cluster, (node,))
    found = [
        _shown(desk, principal, pool, node, place)
        for pool in pools_of(desk, place.cluster)
        if not node or any(each.name == node for each in pool.nodes)
    ]
    return tuple(found)


def _shown(desk: Desk, principal: Principal, pool: Pool, node: str, place: Place) -> Who:
    sample = next((each for each in pool.nodes if node in {"", each.name}), None)
    mine = [
        word
        for action, word in _ASKED
        if sample and allowed(desk, principal, action, place.cluster, sample, channel=place.channel)
    ]
    return Who(pool.number, pool.rule, node, len(pool.nodes), tuple(mine))
