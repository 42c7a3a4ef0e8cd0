"""The slash command: `/drain` in all its forms, answered to one person in the acknowledgement."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from slack_bolt import Ack, App, BoltContext

from bot import commands
from bot.commands import Desk, Place
from bot.grammar import (
    Ask,
    Command,
    Drain,
    Help,
    History,
    Hold,
    List,
    Maintenance,
    Return,
    Status,
    Steer,
    Tend,
    Uncordon,
    Who,
    parse,
)
from bot.listeners.asking import open_form
from bot.listeners.delivery import Delivery
from bot.listeners.deps import Deps
from bot.listeners.shell import Reply, arrived_at, safe, settle_command
from bot.messages.elsewhere import counted_lines
from bot.messages.ephemeral import (
    acted_words,
    refused_words,
    submitted_words,
    tended_words,
    uncordon_words,
)
from bot.messages.freezing import froze_words
from bot.messages.help import form_named, form_text, help_text
from bot.messages.history import history_blocks, history_title
from bot.messages.plain import list_line
from bot.messages.style import NOTICE
from bot.messages.text import escape
from bot.messages.thread import thread_of
from bot.messages.who import who_lines
from bot.typed import as_typed
from jobs.models import OperationView, Principal, Refused
from jobs.options import UsageError

__all__ = ["register"]

_LISTED = 10
Tended = Literal["maintenance", "return"]
_PAST = {"abort": "aborted", "pause": "paused", "resume": "resumed"}


def register(app: App, deps: Deps) -> None:
    """Take every slash command that Slack sends here: a workspace may have renamed `/drain`."""

    @app.command(re.compile(".*"))
    def on_command(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        ack(**settle_command(deps, body, arrived_at(context), _work(body)))


def _work(body: Mapping[str, Any]) -> Any:
    text = as_typed(str(body.get("text") or ""))
    command = str(body.get("command") or "/drain")

    def work(desk: Desk, principal: Principal, delivery: Delivery) -> Reply:
        place = _place(desk, delivery.channel)
        asked = _parsed(desk, text, place)
        if isinstance(asked, Help):
            return _help(command, asked)
        if place is None:
            return Reply(_wrong_channel(desk))
        return _do(desk, principal, asked, place, delivery)

    return work


def _parsed(desk: Desk, text: str, place: Place | None) -> Command:
    """Read the command; where a word of it is nobody's name, say which may have been meant."""
    cluster = place.cluster if place else ""
    try:
        return parse(text, cluster=cluster, clusters=desk.client.clusters())
    except UsageError as error:
        if place is None or not error.word:
            raise
        raise UsageError(commands.meant(error, desk.nodes.of(cluster))) from error


def _help(command: str, asked: Help) -> Reply:
    form = form_named(asked.form)
    words = form_text(form, command) if form else help_text(command)
    return Reply(f"```{safe(words)}```")


def _place(desk: Desk, channel: str) -> Place | None:
    listed = desk.policy.channels.get(channel)
    return Place(listed.cluster, channel) if listed else None


def _wrong_channel(desk: Desk) -> str:
    channels = " or ".join(f"<#{channel}>" for channel in list(desk.policy.channels)[:_LISTED])
    where = f"Ask in {channels}." if channels else "The policy lists no channel."
    return f"The policy doesn't allow commands from this channel. {where} Nothing changed."


def _do(
    desk: Desk, principal: Principal, command: Command, place: Place, delivery: Delivery
) -> Reply:
    match command:
        case Drain():
            return _drain(desk, principal, command, place, delivery)
        case Uncordon() | Maintenance() | Return():
            return _tend(desk, principal, command, place, delivery)
        case Steer():
            return _steer(desk, principal, command, delivery)
        case Hold():
            return _hold(desk, principal, command, delivery)
        case Ask() | Help():
            return open_form(desk, principal, place)
    return _look(desk, principal, command, place)


def _look(
    desk: Desk, principal: Principal, command: Status | List | Who | History, place: Place
) -> Reply:
    match command:
        case Who():
            return _who(desk, principal, command, place)
        case History():
            return _history(desk, principal, command, place)
        case Status() if command.operation:
            return _one(desk, principal, command.operation, place)
    return _all(desk, principal, place, live_only=isinstance(command, Status))


def _history(desk: Desk, principal: Principal, command: History, place: Place) -> Reply:
    found = commands.history(desk, principal, command.about, place)
    if isinstance(found, Refused):
        return Reply(refused_words(found))
    return Reply(f"{history_title(found, NOTICE)}.", history_blocks(found))


def _drain(
    desk: Desk, principal: Principal, command: Drain, place: Place, delivery: Delivery
) -> Reply:
    asked = commands.drain(desk, principal, command.command, place, dedup=delivery.key)
    if isinstance(asked.answer, Refused):
        return Reply(refused_words(asked.answer))
    return Reply(submitted_words(asked.answer, asked.request))


def _tend(
    desk: Desk, principal: Principal, command: Tend, place: Place, delivery: Delivery
) -> Reply:
    there, node = Place(command.cluster, place.channel), command.node
    if isinstance(command, Uncordon):
        given = commands.uncordon(desk, principal, node, there, dedup=delivery.key)
        if isinstance(given, Refused):
            return Reply(refused_words(given))
        return Reply(uncordon_words(given, command.cluster, node))
    wanted = command if isinstance(command, Maintenance) else Maintenance(cluster="", node=node)
    verb: Tended = "return" if isinstance(command, Return) else "maintenance"
    answer = commands.tend(
        desk, principal, verb, node, there, expected=wanted.expected, reason=wanted.reason,
        dedup=delivery.key,
    )  # fmt: skip
    if isinstance(answer, Refused):
        return Reply(refused_words(answer))
    return Reply(tended_words(answer, verb, command.cluster, node))


def _steer(desk: Desk, principal: Principal, command: Steer, delivery: Delivery) -> Reply:
    acted = commands.steer(desk, principal, command, nonce=delivery.key)
    if isinstance(acted, Refused):
        return Reply(refused_words(acted))
    return Reply(acted_words(acted, _PAST[command.verb]))


def _hold(desk: Desk, principal: Principal, order: Hold, delivery: Delivery) -> Reply:
    held = commands.hold(desk, principal, order, channel=delivery.channel, nonce=delivery.key)
    if isinstance(held, Refused):
        return Reply(refused_words(held))
    return Reply(froze_words(held, order.verb))


def _who(desk: Desk, principal: Principal, asked: Who, place: Place) -> Reply:
    found = commands.who(desk, principal, asked.node, Place(asked.cluster, place.channel))
    return Reply("\n".join(who_lines(found, desk.policy, asked.cluster)))


def _one(desk: Desk, principal: Principal, operation: str, place: Place) -> Reply:
    view = commands.operation(desk, principal, operation)
    if isinstance(view, Refused):
        return Reply(refused_words(view))
    if not commands.names_pods(desk, principal, view, place.channel):
        return Reply("\n".join(counted_lines(view, desk.client.now())))
    parent = thread_of(view, desk.client.now())[0]
    # Without its buttons: what one person sees can't be edited, so it would offer stale choices.
    blocks = tuple(block for block in parent.blocks if block["type"] != "actions")
    return Reply(parent.text, blocks)


def _all(desk: Desk, principal: Principal, place: Place, *, live_only: bool) -> Reply:
    views = commands.operations(
        desk, principal, place.cluster, channel=place.channel, live_only=live_only, limit=_LISTED
    )
    if isinstance(views, Refused):
        return Reply(refused_words(views))
    return Reply("\n".join(_lines(desk, place.cluster, views, live_only=live_only)))


def _lines(
    desk: Desk, cluster: str, views: tuple[OperationView, ...], *, live_only: bool
) -> list[str]:
    now = desk.client.now()
    lines = [escape(list_line(view, now), 600) for view in views]
    if not lines:
        lines = [f"Nothing {'runs' if live_only else 'was asked yet'} in {escape(cluster)}."]
    if not desk.client.worker_seen(cluster):
        lines.append(f"No worker of {escape(cluster)} is alive: what is asked waits for one.")
    return lines
