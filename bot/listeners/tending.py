"""The way of a drained node from here, by a click: into maintenance, or back into service."""

from collections.abc import Mapping
from typing import Any, Literal

from bot import commands
from bot.commands import Desk, Place
from bot.grammar import expected_length
from bot.listeners.delivery import Delivery
from bot.listeners.shell import Reply, safe
from bot.messages.buttons import MAINTAIN, RETURN
from bot.messages.ephemeral import NOT_A_BUTTON, refused_words, tended_words
from bot.messages.maintenance import LENGTH, maintenance_modal, read_maintenance
from jobs.models import NodeStatus, OperationView, Principal, Refused
from jobs.options import UsageError

__all__ = ["TENDS", "submit_maintenance", "tend"]

Verb = Literal["maintenance", "return"]
TENDS: dict[str, Verb] = {MAINTAIN: "maintenance", RETURN: "return"}


def tend(
    desk: Desk, principal: Principal, verb: Verb, operation: str, node: str, delivery: Delivery
) -> Reply:
    """Return a node, or ask for how long it will be in maintenance; nothing is begun by that.

    An empty `node` is the only one that the operation drained.
    """
    view = commands.operation(desk, principal, operation)
    if isinstance(view, Refused):
        return Reply(refused_words(view))
    named = _node_of(view, node)
    if not named:
        return Reply(NOT_A_BUTTON)
    if verb == "return":
        return _begin(desk, principal, verb, view, named, delivery)
    refused = commands.may_maintain(desk, principal, view, named)
    if refused is not None:
        return Reply(refused_words(refused))
    modal = maintenance_modal(
        view.cluster, named, operation=view.id, channel=delivery.channel,
        thread_ts=delivery.thread_ts,
    )  # fmt: skip
    return Reply(modal=modal)


def submit_maintenance(
    desk: Desk, principal: Principal, submitted: Mapping[str, Any], delivery: Delivery
) -> Reply:
    """Start the maintenance as the dialog says; a length that is none is told at its field."""
    form = read_maintenance(submitted)
    try:
        expected = expected_length(form.length) if form.length else 0
    except UsageError as error:
        return Reply(errors={LENGTH: str(error)})
    view = commands.operation(desk, principal, form.operation)
    if isinstance(view, Refused):
        return Reply(refused_words(view), channel=form.channel, thread_ts=form.thread_ts)
    if not _node_of(view, form.node):
        return Reply(NOT_A_BUTTON)
    reply = _begin(
        desk, principal, "maintenance", view, form.node, delivery,
        expected=expected, reason=form.reason,
    )  # fmt: skip
    return Reply(reply.text, channel=form.channel, thread_ts=form.thread_ts)


def _node_of(view: OperationView, node: str) -> str:
    """Return the node that is meant, or ""."""
    if node:
        return node if any(each.name == node for each in view.nodes) else ""
    drained = [each.name for each in view.nodes if each.status is NodeStatus.DRAINED]
    return drained[0] if len(drained) == 1 else ""


def _begin(
    desk: Desk, principal: Principal, verb: Verb, view: OperationView, node: str,
    delivery: Delivery, *, expected: int = 0, reason: str = "",
) -> Reply:  # fmt: skip
    there = Place(view.cluster, view.channel)
    try:
        answer = commands.tend(
            desk, principal, verb, node, there, expected=expected, reason=reason,
            dedup=delivery.key,
        )  # fmt: skip
    except UsageError as error:  # such as a node that has left the cluster since
        return Reply(safe(str(error)))
    if isinstance(answer, Refused):
        return Reply(refused_words(answer))
    return Reply(tended_words(answer, verb, view.cluster, node))
