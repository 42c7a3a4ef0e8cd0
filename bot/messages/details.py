"""The view behind Details: the plan, each node, and the latest of the story."""

from bot.messages.finish import finish_lines, people_line
from bot.messages.log import log_words
from bot.messages.message import BlockDict
from bot.messages.modals import note_modal
from bot.messages.nodes import node_line
from bot.messages.progress import progress_counts, state_words
from bot.messages.request import asked_line, plan_lines
from bot.messages.style import MRKDWN
from bot.messages.text import count, short_id
from jobs.models import OperationState, OperationView

__all__ = ["details_modal"]

_NODES = 200
_LOG = 20


def details_modal(view: OperationView, now_ms: int) -> BlockDict:
    """Return the view that shows all of an operation, to whoever asks."""
    lines = [asked_line(view, MRKDWN), f"{state_words(view)}."]
    if view.state is OperationState.ENDED:
        lines += finish_lines(view, MRKDWN)
    elif view.state is OperationState.RUNNING:
        lines.append(progress_counts(view, now_ms))
    lines += [MRKDWN.bold("Plan"), *plan_lines(view, MRKDWN), MRKDWN.bold("Nodes")]
    lines += [node_line(node, MRKDWN) for node in view.nodes[:_NODES]]
    if len(view.nodes) > _NODES:
        lines.append(f"… and {count(len(view.nodes) - _NODES, 'more node')}")
    if view.log:
        lines.append(MRKDWN.bold("Latest"))
    lines += [f"{MRKDWN.time(entry.at)} {log_words(entry, MRKDWN)}" for entry in view.log[-_LOG:]]
    lines.append(people_line(view, MRKDWN))
    return note_modal(f"Operation {short_id(view.id)[:12]}", lines)
