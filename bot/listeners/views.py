"""Submitted modals: Force and Abort with their reasons, the form of a drain, maintenance."""

import re
from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App, BoltContext

from bot import commands
from bot.commands import Desk
from bot.grammar import Steer
from bot.listeners.asking import submit_form
from bot.listeners.delivery import Delivery
from bot.listeners.deps import Deps
from bot.listeners.shell import Reply, Work, arrived_at, settle_modal
from bot.listeners.tending import submit_maintenance
from bot.messages.ephemeral import NOT_A_BUTTON, acted_words, decided_words, refused_words
from bot.messages.form import REQUEST_MODAL
from bot.messages.maintenance import MAINTENANCE_MODAL
from bot.messages.modals import (
    ABORT_MODAL,
    FORCE_MODAL,
    AbortForm,
    ForceForm,
    read_abort,
    read_force,
)
from jobs.models import Principal, Refused

__all__ = ["register"]

_REASON = "reason"  # the field of every modal that shows what is wrong with the whole


def register(app: App, deps: Deps) -> None:
    """Take every submitted modal; one that nobody made is answered too."""

    @app.view_submission(re.compile(".*", re.DOTALL))
    def on_submit(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        work = _work(deps, body)
        ack(**settle_modal(deps, body, arrived_at(context), work, field_of_errors=_REASON))

    @app.view_closed(re.compile(".*", re.DOTALL))
    def on_close(ack: Ack) -> None:
        ack()


def _work(deps: Deps, body: Mapping[str, Any]) -> Work:
    view = body.get("view")
    submitted: Mapping[str, Any] = view if isinstance(view, Mapping) else {}

    def work(desk: Desk, principal: Principal, delivery: Delivery) -> Reply:
        match submitted.get("callback_id"):
            case str(callback) if callback == FORCE_MODAL:
                form = read_force(submitted)
                if isinstance(form, ForceForm):
                    return _force(deps, desk, principal, form, delivery)
                reply = Reply(errors=form)
            case str(callback) if callback == ABORT_MODAL:
                wanted = read_abort(submitted)
                if isinstance(wanted, AbortForm):
                    return _abort(deps, desk, principal, wanted, delivery)
                reply = Reply(errors=wanted)
            case str(callback) if callback == REQUEST_MODAL:
                reply = submit_form(desk, principal, submitted, delivery)
            case str(callback) if callback == MAINTENANCE_MODAL:
                reply = submit_maintenance(desk, principal, submitted, delivery)
            case _:
                reply = Reply(NOT_A_BUTTON)
        return reply

    return work


def _settle(
    deps: Deps, desk: Desk, principal: Principal, form: ForceForm | AbortForm, delivery: Delivery
) -> str:
    decided = commands.decide(
        desk, principal, form.question, form.choice, note=form.reason, nonce=delivery.key
    )
    new = deps.successor(decided)
    return decided_words(decided, form.choice, now_ms=desk.client.now(), successor=new)


def _force(
    deps: Deps, desk: Desk, principal: Principal, form: ForceForm, delivery: Delivery
) -> Reply:
    words = _settle(deps, desk, principal, form, delivery)
    return Reply(words, channel=form.channel, thread_ts=form.thread_ts)


def _abort(
    deps: Deps, desk: Desk, principal: Principal, form: AbortForm, delivery: Delivery
) -> Reply:
    if form.question:
        words = _settle(deps, desk, principal, form, delivery)
        return Reply(words, channel=form.channel, thread_ts=form.thread_ts)
    order = Steer(verb="abort", operation=form.operation, reason=form.reason)
    acted = commands.steer(desk, principal, order, nonce=delivery.key)
    if isinstance(acted, Refused):
        words = refused_words(acted)
    else:
        words = "" if acted.changed else acted_words(acted, "aborted")
    return Reply(words, channel=form.channel, thread_ts=form.thread_ts)
