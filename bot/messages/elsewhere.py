"""An operation as it is told where its pods may not be named: nodes, counts, where to look."""

from bot.messages.home import counted_question
from bot.messages.plain import list_line
from bot.messages.style import MRKDWN
from bot.messages.text import escape
from jobs.models import OperationView

__all__ = ["counted_lines"]


def counted_lines(view: OperationView, now_ms: int) -> list[str]:
    """Return an operation as lines of mrkdwn that name no pod."""
    told = f" in {MRKDWN.person(view.channel)}" if view.channel else " where it was asked for"
    return [
        escape(list_line(view, now_ms), 600),
        *(counted_question(view, question) for question in view.open_questions),
        f"Its pods are named only{told}, and to whoever may decide about it.",
    ]
