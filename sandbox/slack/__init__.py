"""A strict stand-in for Slack over real HTTP on loopback: it refuses what Slack refuses.

    with sandbox.slack.running(demo_workspace()) as slack:
        slack.configure(request_url="http://127.0.0.1:3000/slack/events")
        slack.slash("ana", "ops", "/drain", "node-1")
        parent = slack.messages("ops")[-1]
        slack.click("bo", "ops", parent["ts"], "Approve")

The app under test gets `slack.api_url` and the tokens of its :class:`App`; it can't tell the
difference but by the address. What it leaves out: direct messages, files, search, blocks that an
app of buttons, texts and forms doesn't use (:mod:`sandbox.slack.blockkit` names those it knows),
and the retries that Slack makes by itself: :meth:`Slack.redeliver` makes one when told to.
"""

from sandbox.slack.client import Slack
from sandbox.slack.clock import Clock
from sandbox.slack.deliveries import Delivery, Forgery
from sandbox.slack.errors import PersonError
from sandbox.slack.faults import Fault
from sandbox.slack.running import running
from sandbox.slack.workspace import App, Channel, Group, User, Workspace, demo_workspace

__all__ = [
    "App",
    "Channel",
    "Clock",
    "Delivery",
    "Fault",
    "Forgery",
    "Group",
    "PersonError",
    "Slack",
    "User",
    "Workspace",
    "demo_workspace",
    "running",
]
