"""Clicks: on a question's buttons, and on those of an operation's own message."""

import re
from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App, BoltContext

from bot import commands
from bot.commands import Desk
from bot.grammar import Steer, Steering
from bot.listeners.delivery import Delivery
from bot.listeners.deps import Deps
from bot.listeners.shell import Reply, Work, arrived_at, settle_click
from bot.listeners.tending import TENDS, tend
from bot.messages.buttons import (
    ABORT,
    DECIDE,
    DETAILS,
    PAUSE,
    REPORT,
    RESUME,
    Choice,
    read_choice,
    read_node,
    read_operation,
)
from bot.messages.details import details_modal
from bot.messages.elsewhere import counted_lines
from bot.messages.ephemeral import (
    NOT_A_BUTTON,
    acted_words,
    decided_words,
    refused_words,
)
from bot.messages.history import history_modal
from bot.messages.message import BlockDict
from bot.messages.modals import abort_modal, force_modal, note_modal
from jobs.models import Decided, OperationView, Principal, Refused

__all__ = ["register"]

_VERBS: dict[str, tuple[Steering, str]] = {
    PAUSE: ("pause", "paused"),
    RESUME: ("resume", "resumed"),
}


def register(app: App, deps: Deps) -> None:
    """Take every click, also those on buttons that nobody made: each gets an answer."""

    @app.action(re.compile(".*", re.DOTALL))
    def on_click(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        settle_click(deps, body, arrived_at(context), _work(deps, body))
        ack()


def _work(deps: Deps, body: Mapping[str, Any]) -> Work:
    action_id, value = _pressed(body)

    def work(desk: Desk, principal: Principal, delivery: Delivery) -> Reply:
        choice = read_choice(value) if action_id.startswith(DECIDE) else None
        if choice is not None:
            return _decide(deps, desk, principal, choice, delivery)
        operation = read_operation(value)
        if operation is None:
            return Reply(NOT_A_BUTTON)
        return _operation(desk, principal, action_id, operation, read_node(value), delivery)

    return work


def _pressed(body: Mapping[str, Any]) -> tuple[str, object]:
    pressed = body.get("actions")
    action = pressed[0] if isinstance(pressed, list) and pressed else {}
    if not isinstance(action, Mapping):
        return "", None
    return str(action.get("action_id", "")), action.get("value")


def _decide(
    deps: Deps, desk: Desk, principal: Principal, choice: Choice, delivery: Delivery
) -> Reply:
    if choice.choice in {"force", "abort"}:
        return _ask_first(deps, desk, principal, choice, delivery)
    decided = commands.decide(desk, principal, choice.question, choice.choice, nonce=delivery.key)
    return Reply(_told(deps, desk, decided, choice))


def _told(deps: Deps, desk: Desk, decided: Decided, choice: Choice) -> str:
    new = deps.successor(decided)
    return decided_words(decided, choice.choice, now_ms=desk.client.now(), successor=new)


def _ask_first(
    deps: Deps, desk: Desk, principal: Principal, choice: Choice, delivery: Delivery
) -> Reply:
    """Open the modal of a choice that needs more than a click; it decides nothing yet."""
    found = commands.open_question(desk, principal, choice.question, choice.choice)
    if isinstance(found, Decided):
        return Reply(_told(deps, desk, found, choice))
    question, view = found
    if choice.choice == "force":
        return Reply(
            modal=force_modal(
                question,
                choice=choice.choice,
                reason_required=view.requirements.force_reason,
                channel=delivery.channel,
                thread_ts=delivery.thread_ts,
            )
        )
    return Reply(modal=_abort(view, choice, delivery))


def _abort(view: OperationView, choice: Choice, delivery: Delivery) -> BlockDict:
    return abort_modal(
        view,
        question=choice.question,
        choice=choice.choice,
        channel=delivery.channel,
        thread_ts=delivery.thread_ts,
    )


def _operation(
    desk: Desk, principal: Principal, action_id: str, operation: str, node: str, delivery: Delivery
) -> Reply:
    if action_id in _VERBS:
        verb, past = _VERBS[action_id]
        acted = commands.steer(
            desk, principal, Steer(verb=verb, operation=operation), nonce=delivery.key
        )
        if isinstance(acted, Refused):
            return Reply(refused_words(acted))
        # What changed is said to all by the message itself; what didn't, to one person.
        return Reply("" if acted.changed else acted_words(acted, past))
    if action_id in TENDS:
        return tend(desk, principal, TENDS[action_id], operation, node, delivery)
    if action_id == REPORT:
        return _report(desk, principal, operation, delivery)
    if action_id not in {ABORT, DETAILS}:
        return Reply(NOT_A_BUTTON)
    return _view(desk, principal, action_id, operation, delivery)


def _view(
    desk: Desk, principal: Principal, action_id: str, operation: str, delivery: Delivery
) -> Reply:
    view = commands.operation(desk, principal, operation)
    if isinstance(view, Refused):
        return Reply(refused_words(view))
    if action_id == ABORT:
        return Reply(
            modal=abort_modal(view, channel=delivery.channel, thread_ts=delivery.thread_ts)
        )
    now = desk.client.now()
    if not commands.names_pods(desk, principal, view, delivery.channel):
        return Reply(modal=note_modal("Details", counted_lines(view, now)))
    return Reply(modal=details_modal(view, now))


def _report(desk: Desk, principal: Principal, operation: str, delivery: Delivery) -> Reply:
    found = commands.report(desk, principal, operation, channel=delivery.channel)
    if isinstance(found, Refused):
        return Reply(refused_words(found))
    return Reply(modal=history_modal(found))
