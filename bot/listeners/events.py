"""Everything else that Slack may deliver: acknowledged, so that it is not sent again and again."""

import re

from slack_bolt import Ack, App

__all__ = ["register"]

_ANY = re.compile(".*", re.DOTALL)


def register(app: App) -> None:
    """Acknowledge other events, shortcuts and selects, none of which drainbot acts on."""
    app.event(_ANY)(_acknowledge)
    app.shortcut(_ANY)(_acknowledge)
    app.options(_ANY)(_acknowledge)


def _acknowledge(ack: Ack) -> None:
    ack()
