"""The history of a node or of an operation, whichever of the two somebody named."""

from bot.commands.ask import known_cluster
from bot.commands.desk import Desk, Place
from bot.grammar import suggestion
from jobs.ids import IdError, cluster_of, parse_operation, quoted
from jobs.models import History, Principal, Refused
from jobs.options import UsageError, split_node

__all__ = ["history", "report"]


def history(
    desk: Desk, principal: Principal, typed: str, place: Place, *, terminal: bool = False
) -> History | Refused:
    """Return the history of what was typed: a node's name first, or an operation's id.

    Nodes that are gone have one too. Pods are named only where they may be read in the place's
    channel, or in somebody's own `terminal`.

    Raises :class:`jobs.options.UsageError` for what is neither, and
    :class:`jobs.errors.StateUnavailable`.
    """
    named, node = split_node(typed.strip())
    cluster = named or place.cluster
    channel = None if terminal else place.channel
    operation = _operation(typed, cluster)
    known_cluster(desk, cluster if named or not operation else cluster_of(operation))
    histories = desk.client.histories
    there = desk.nodes.of(cluster)
    if operation and not there.get(node):
        at = cluster_of(operation)
        found = histories.of_operation(principal, at, operation, channel=channel)
        if isinstance(found, Refused) or found.entries:
            return found
    found = histories.of_node(principal, cluster, node, channel=channel)
    if isinstance(found, Refused) or found.entries or there.get(node):
        return found
    hint = suggestion(node, tuple(each.name for each in there.nodes))
    what = "node" if not operation else "node and no operation"
    raise UsageError(f"The audit log knows no {what} {quoted(typed)}. {hint}".rstrip())


def report(desk: Desk, principal: Principal, operation: str, *, channel: str) -> History | Refused:
    """Return the history of an operation by its full id, as a button carries it."""
    try:
        cluster = cluster_of(operation)
    except IdError:
        cluster = ""
    if cluster not in desk.client.clusters():
        return Refused(reason=f"There is no operation {quoted(operation)}.")
    return desk.client.histories.of_operation(principal, cluster, operation, channel=channel)


def _operation(typed: str, cluster: str) -> str:
    try:
        return parse_operation(typed, cluster)
    except IdError:
        return ""
