"""The form that `/drain` alone opens: what it offers while somebody types, and its submission."""

import hashlib
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt import Ack, App, BoltContext

from bot import commands
from bot.commands import Desk, Place
from bot.listeners.delivery import Delivery, read_delivery
from bot.listeners.deps import Deps, NotAdmitted, admit
from bot.listeners.shell import Reply, arrived_at
from bot.listeners.within import Unsettled
from bot.messages.ephemeral import refused_words, submitted_words
from bot.messages.form import NODES_SELECT, node_options, read_request, request_modal
from bot.messages.modal_parts import carried
from bot.messages.text import clean
from jobs.models import Principal, Refused, Submitted

__all__ = ["open_form", "register", "submit_form"]

_LONGEST_QUERY = 300  # characters; Slack's own limit for what is typed there is lower
_LONGEST_ERROR = 400

log = structlog.get_logger(__name__)


def register(app: App, deps: Deps) -> None:
    """Answer the nodes' select, each time that somebody types into it."""

    @app.options(NODES_SELECT)
    def on_type(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        try:
            ack(**deps.within.run(arrived_at(context), lambda: _offered(deps, body)))
        except Unsettled:  # it is logged; a menu can't show words, and names can still be typed
            ack(options=[])


def open_form(desk: Desk, principal: Principal, place: Place) -> Reply:
    """Return the form, or why the person has nothing to ask for here."""
    offered = commands.offer(desk, principal, place)
    if isinstance(offered, Refused):
        return Reply(refused_words(offered))
    return Reply(
        modal=request_modal(
            place.cluster if place.cluster in offered.clusters else "",
            offered.clusters,
            offered.switches,
            offered.flags,
            channel=place.channel,
        )
    )


def submit_form(
    desk: Desk, principal: Principal, view: Mapping[str, Any], delivery: Delivery
) -> Reply:
    """Ask for what was filled in; what is wrong is shown at its field.

    A form that is submitted again, because nobody knew whether it was recorded, is the same
    request: it never starts a second operation.
    """
    form = read_request(view)
    once = f"form:{form.view}" if form.view else delivery.key
    dedup = hashlib.sha256(once.encode("utf-8", "replace")).hexdigest()[:32]
    asked = commands.ask_by_form(desk, principal, form, dedup=dedup)
    if isinstance(asked, dict):
        return Reply(errors={field: clean(said, _LONGEST_ERROR) for field, said in asked.items()})
    if not isinstance(asked.answer, Submitted):
        return Reply(refused_words(asked.answer))
    return Reply(submitted_words(asked.answer, asked.request), channel=form.channel)


def _offered(deps: Deps, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options for what somebody typed; none for those who are not admitted."""
    try:
        desk, principal = admit(deps, read_delivery(body))
    except NotAdmitted as refusal:
        log.info("no_options", reason=str(refusal))
        return {"options": []}
    view = body.get("view")
    kept = carried(view) if isinstance(view, Mapping) else {}
    typed = str(body.get("value") or "")[:_LONGEST_QUERY]
    found = commands.find_nodes(desk, principal, typed, str(kept.get("cl", "")))
    return node_options(found)
