"""The home tab: who opens it or presses Refresh is noted, and the notifier publishes it."""

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App, BoltContext

from bot.commands import Desk
from bot.listeners.delivery import Delivery
from bot.listeners.deps import Deps
from bot.listeners.shell import Reply, arrived_at, settle_click
from bot.messages.home import REFRESH
from jobs.models import Principal

__all__ = ["register"]


def register(app: App, deps: Deps) -> None:
    """Take what is done at the home tab itself; its other buttons are those of messages."""

    @app.event("app_home_opened")
    def on_open(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        user = _who_opened(deps, body)
        if user:
            # What could not be noted is not acknowledged: Slack delivers an event again.
            deps.within.run(arrived_at(context), lambda: deps.looks.looked(user))
        ack()

    @app.action(REFRESH)
    def on_refresh(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        settle_click(deps, body, arrived_at(context), _nothing_more)
        ack()


def _nothing_more(_desk: Desk, _principal: Principal, _delivery: Delivery) -> Reply:
    return Reply()  # that somebody pressed something there is noted for every press


def _who_opened(deps: Deps, body: Mapping[str, Any]) -> str:
    """Return who opened the home tab itself, if the event is of our workspace, else ""."""
    event = body.get("event")
    if deps.desk is None or not isinstance(event, Mapping) or event.get("tab", "home") != "home":
        return ""
    if body.get("team_id") != deps.desk.policy.team:
        return ""
    user = event.get("user")
    return user if isinstance(user, str) else ""
