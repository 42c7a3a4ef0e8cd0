"""What people can ask, whichever way they came: Slack and the command line share these acts."""

from bot.commands.ask import Asked, drain, uncordon
from bot.commands.desk import Desk, NodeBook, Place
from bot.commands.look import open_question, operation, operations
from bot.commands.steer import decide, steer

__all__ = [
    "Asked",
    "Desk",
    "NodeBook",
    "Place",
    "decide",
    "drain",
    "open_question",
    "operation",
    "operations",
    "steer",
    "uncordon",
]
