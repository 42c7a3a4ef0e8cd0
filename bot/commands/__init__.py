"""What people can ask, whichever way they came: Slack and the command line share these acts."""

from bot.commands.ask import Asked, drain, uncordon
from bot.commands.desk import Desk, NodeBook, Place
from bot.commands.hints import meant
from bot.commands.history import history, report
from bot.commands.hold import hold
from bot.commands.look import open_question, operation, operations
from bot.commands.mine import choices_of
from bot.commands.steer import decide, steer
from bot.commands.who import who

__all__ = [
    "Asked",
    "Desk",
    "NodeBook",
    "Place",
    "choices_of",
    "decide",
    "drain",
    "history",
    "hold",
    "meant",
    "open_question",
    "operation",
    "operations",
    "report",
    "steer",
    "uncordon",
    "who",
]
