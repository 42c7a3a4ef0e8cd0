"""What was meant: words that nobody knows, held against the nodes and labels that there are."""

from collections.abc import Iterable

from bot.commands.desk import Desk
from bot.grammar import suggestion
from jobs.authorization import Action, Allowed, Target, may
from jobs.ids import IdError, cluster_of, did_you_mean, quoted, short
from jobs.models import Inventory, Principal, Refused
from jobs.options import UsageError

__all__ = ["meant", "unknown_labels", "unknown_nodes", "unknown_operation"]

_NAMED = 3  # unknown names that an answer repeats; the rest is counted
_OPERATIONS = 50  # the latest, among which one that was mistyped is looked for
_VALUES = 5  # values of a label that an answer lists


def unknown_nodes(unknown: tuple[str, ...], inventory: Inventory) -> str:
    """Say that a cluster has no nodes of these names, and which were meant."""
    there = tuple(node.name for node in inventory.nodes)
    said = " ".join(
        f"{inventory.cluster} has no node {quoted(name)}. {suggestion(name, there)}".rstrip()
        for name in unknown[:_NAMED]
    )
    more = len(unknown) - _NAMED
    rest = f" And {more} more names that it doesn't have." if more > 0 else ""
    return f"{said}{rest} Nothing was started."


def unknown_labels(
    wanted: Iterable[tuple[str, tuple[str, ...]]], selector: str, inventory: Inventory
) -> str:
    """Say that no node has these labels, and which key or value was meant.

    `wanted` are the keys that must be there, each with the values of which it must have one; none:
    any will do.
    """
    values: dict[str, set[str]] = {}
    for node in inventory.nodes:
        for key, value in node.labels.items():
            values.setdefault(key, set()).add(value)
    said = [f"No node of {inventory.cluster} has the labels {quoted(selector)}."]
    strange = False
    for key, some in wanted:
        there = values.get(key)
        if there is None:
            strange = True
            hint = did_you_mean(key, values) or "None has a label like it."
            said.append(f"No node has a label {quoted(key)}. {hint}")
        elif some and not there & set(some):
            strange = True
            hint = did_you_mean(some[0], there) or f"There is {_listed(there)}."
            said.append(f"No node has {quoted(f'{key}={some[0]}')}. {hint}")
    if not strange:
        said.append("Some nodes have one or another of them, none has all.")
    return " ".join([*said, "Nothing was started."])


def unknown_operation(
    desk: Desk, principal: Principal, id: str, *, nothing_changed: str = ""
) -> Refused:
    """Say that there is no such operation, and which of the latest was meant.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    said = f"There is no operation {quoted(id)}."
    hint = ""
    try:
        cluster, typed = cluster_of(id), short(id)
    except IdError:
        cluster, typed = "", ""
    looks = may(principal, Action.READ, Target(cluster=cluster), desk.policy)
    if isinstance(looks, Allowed):
        latest = desk.client.operations(cluster, limit=_OPERATIONS)
        hint = did_you_mean(typed, [short(view.id) for view in latest])
    words = " ".join(filter(None, (said, hint, nothing_changed)))
    return Refused(reason=words, because="unknown")


def meant(error: UsageError, inventory: Inventory) -> str:
    """Return what a command's error says, and the node or label that its word may have meant."""
    there: set[str] = {node.name for node in inventory.nodes}
    if error.word and not (there & set(str(error).split())):
        labels = {f"{k}={v}" for node in inventory.nodes for k, v in node.labels.items()}
        hint = did_you_mean(error.word.lower(), there | labels)
        if hint and hint not in str(error):
            return f"{error} {hint}"
    return str(error)


def _listed(values: set[str]) -> str:
    few = sorted(values)[:_VALUES]
    more = len(values) - len(few)
    return ", ".join(map(quoted, few)) + (f" and {more} more" if more else "")
