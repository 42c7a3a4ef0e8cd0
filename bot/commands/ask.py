"""Asking for a drain, or for a node back: names are checked here, rights by the client."""

from dataclasses import dataclass
from typing import Literal

from bot.commands.desk import Desk, Place
from bot.commands.hints import unknown_labels, unknown_nodes
from jobs.ids import did_you_mean, quoted
from jobs.models import DrainRequest, Inventory, Principal, Refused, Submitted
from jobs.options import DrainCommand, UsageError

__all__ = ["Asked", "drain", "known_cluster", "known_nodes", "tend", "uncordon"]


@dataclass(frozen=True)
class Asked:
    """A request as it was understood, and what became of it."""

    request: DrainRequest
    answer: Submitted | Refused


def drain(
    desk: Desk, principal: Principal, command: DrainCommand, place: Place, *, dedup: str
) -> Asked:
    """Ask for a drain, or for its plan alone. The same `dedup` never starts a second operation.

    Raises :class:`UsageError` for clusters and nodes that don't exist, and
    :class:`jobs.errors.StateUnavailable`.
    """
    cluster, names = command.in_one_cluster(place.cluster)
    known_cluster(desk, cluster)
    nodes = names or _selected(desk, cluster, command)
    if names:
        known_nodes(desk, cluster, names)
    request = DrainRequest(
        cluster=cluster,
        nodes=nodes,
        options=command.options,
        reason=command.reason,
        channel=place.channel,
        plan_only=command.plan_only,
    )
    return Asked(request, desk.client.submit(principal, request, dedup=dedup))


def uncordon(
    desk: Desk, principal: Principal, node: str, place: Place, *, dedup: str
) -> Submitted | Refused:
    """Ask for a node back that an ended operation left cordoned. Raises as :func:`drain` does."""
    known_cluster(desk, place.cluster)
    known_nodes(desk, place.cluster, (node,))
    return desk.client.uncordon(principal, place.cluster, node, channel=place.channel, dedup=dedup)


def tend(
    desk: Desk,
    principal: Principal,
    verb: Literal["maintenance", "return"],
    node: str,
    place: Place,
    *,
    expected: int = 0,
    reason: str = "",
    dedup: str,
) -> Submitted | Refused:
    """Start the maintenance of a drained node, or its return. Raises as :func:`drain` does.

    `expected` is how long the maintenance should take, in seconds; 0: nobody knows.
    """
    known_cluster(desk, place.cluster)
    known_nodes(desk, place.cluster, (node,))
    client, cluster, channel = desk.client, place.cluster, place.channel
    if verb == "return":
        return client.return_node(principal, cluster, node, channel=channel, dedup=dedup)
    return client.maintain(
        principal, cluster, node, expected=expected, reason=reason, channel=channel, dedup=dedup
    )


def known_cluster(desk: Desk, cluster: str) -> None:
    """Raise :class:`UsageError` for a cluster that the policy does not list."""
    clusters = desk.client.clusters()
    if not cluster:
        raise UsageError("Say the cluster too, as in CLUSTER/NODE: none is the default here.")
    if cluster not in clusters:
        hint = did_you_mean(cluster, clusters) or f"There are: {', '.join(clusters)}."
        raise UsageError(f"There is no cluster {quoted(cluster)}. {hint}")


def _selected(desk: Desk, cluster: str, command: DrainCommand) -> tuple[str, ...]:
    selector = command.node_selector
    inventory = desk.nodes.of(cluster, fresh=True)
    if not inventory.as_of:
        raise UsageError(
            f"The nodes of {cluster} are not known yet, so labels can't be looked up: "
            "its worker has never run. Nothing was started."
        )
    nodes = tuple(n.name for n in inventory.nodes if selector and selector.match(n.labels))
    if not nodes:
        raise UsageError(unknown_labels(command.labels_wanted, str(selector), inventory))
    return nodes


def known_nodes(desk: Desk, cluster: str, names: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` for names that are not among the nodes.

    Where the inventory was never written (no worker has run yet), names can't be judged here, and
    the worker does it.
    """
    unknown = _missing(desk.nodes.of(cluster), names)
    if not unknown:
        return
    inventory = desk.nodes.of(cluster, fresh=True)  # it may have joined a second ago
    unknown = _missing(inventory, names)
    if unknown:
        raise UsageError(unknown_nodes(unknown, inventory))


def _missing(inventory: Inventory, names: tuple[str, ...]) -> tuple[str, ...]:
    if not inventory.as_of:
        return ()
    there = {node.name for node in inventory.nodes}
    return tuple(name for name in names if name not in there)
