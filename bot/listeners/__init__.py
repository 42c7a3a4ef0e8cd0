"""What Slack delivers, and what is done about it: one module for each kind of delivery."""

from slack_bolt import App

from bot.listeners import actions, asking, commands, events, home, views
from bot.listeners.deps import Deps

__all__ = ["Deps", "register"]


def register(app: App, deps: Deps) -> None:
    """Register every listener."""
    commands.register(app, deps)
    asking.register(app, deps)
    home.register(app, deps)  # before those that take whatever is left
    actions.register(app, deps)
    views.register(app, deps)
    events.register(app)
