"""What people can ask, whichever way they came: Slack and the command line share these acts."""

from bot.commands.ask import Asked, drain, tend, uncordon
from bot.commands.desk import Desk, NodeBook, Place
from bot.commands.finding import find_nodes
from bot.commands.form import Offer, ask_by_form, offer
from bot.commands.hints import meant
from bot.commands.history import history, report
from bot.commands.hold import hold
from bot.commands.look import may_maintain, names_pods, open_question, operation, operations
from bot.commands.mine import choices_of
from bot.commands.steer import decide, steer
from bot.commands.who import who

__all__ = [
    "Asked",
    "Desk",
    "NodeBook",
    "Offer",
    "Place",
    "ask_by_form",
    "choices_of",
    "decide",
    "drain",
    "find_nodes",
    "history",
    "hold",
    "may_maintain",
    "meant",
    "names_pods",
    "offer",
    "open_question",
    "operation",
    "operations",
    "report",
    "steer",
    "tend",
    "uncordon",
    "who",
]
