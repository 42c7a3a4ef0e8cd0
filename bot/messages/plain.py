"""The same words for a terminal: `drainbot status`, `drainbot list`, and `--wait`."""

from bot.messages.aftermath import unwell_lines, volume_lines
from bot.messages.decisions import outcome_line, vote_lines, wait_line
from bot.messages.finish import finish_lines, people_line
from bot.messages.life import life_lines
from bot.messages.log import log_words
from bot.messages.nodes import node_lines, node_list
from bot.messages.obstacles import block_lines, refusal_lines, wont_stop_lines
from bot.messages.progress import frozen_lines, progress_counts, soaking_line, state_words
from bot.messages.question import detail_lines, effects, question_text
from bot.messages.request import asked_line, plan_lines
from bot.messages.several import of_each
from bot.messages.style import PLAIN
from bot.messages.text import clean, short_id
from jobs.models import LogEntry, OperationState, OperationView, QuestionView

__all__ = ["list_line", "log_line", "progress_line", "question_lines", "status_lines"]


def list_line(view: OperationView, now_ms: int) -> str:
    """Return an operation in one line: `7F3K  prod-eu  Draining  node-17 and node-18  1 of 2…`."""
    nodes = node_list([node.name for node in view.nodes], PLAIN, limit=2)
    counts = "" if view.plan_only else progress_counts(view, view.ended_at or now_ms)
    words = [short_id(view.id), clean(view.cluster), state_words(view), nodes, counts]
    return "  ".join(word for word in words if word)


def progress_line(view: OperationView, now_ms: int) -> str:
    """Return where an operation stands, in one line that changes only when it does."""
    counts = progress_counts(view, view.ended_at or now_ms).rsplit(" · ", 1)[0]
    waits = ""
    if view.open_questions:
        waits = f"; {question_text(view, view.open_questions[0], PLAIN)}"
    return f"{state_words(view)}: {counts}{waits}"


def log_line(entry: LogEntry) -> str:
    """Return an entry of an operation's log: `14:12:08 UTC node-17 is cordoned.`."""
    return f"{PLAIN.time(entry.at, seconds=True)} {log_words(entry, PLAIN)}"


def question_lines(view: OperationView, question: QuestionView) -> list[str]:
    """Return a question, its facts, and how to answer it from a shell."""
    lines = [
        question_text(view, question, PLAIN),
        *of_each(question, PLAIN),
        *refusal_lines(question.refusals, PLAIN),
        *block_lines(question.blocks, PLAIN, named=bool(question.by_node)),
        *wont_stop_lines(question.wont_stop, PLAIN),
        *volume_lines(question.volumes, PLAIN),
        *unwell_lines(question.unwell, PLAIN),
        *effects(view, question, PLAIN),
        *vote_lines(question, PLAIN),
        wait_line(question, PLAIN),
        outcome_line(question, PLAIN),
    ]
    lines += detail_lines(question, PLAIN)
    if not outcome_line(question, PLAIN):
        choices = clean(", ".join(question.choices), 600)
        lines.append(f"Answer: drainbot decide {clean(question.id)} CHOICE, one of {choices}")
    return [line for line in lines if line]


def status_lines(view: OperationView, now_ms: int) -> list[str]:
    """Return all that a person at a terminal wants to know of an operation."""
    lines = [
        f"{state_words(view)} · {clean(view.cluster)} · op {short_id(view.id)} ({clean(view.id)})",
        asked_line(view, PLAIN),
    ]
    if view.state is OperationState.ENDED:
        lines += finish_lines(view, PLAIN)
    elif view.life is not None:
        lines += life_lines(view, view.life, PLAIN)
    elif view.state is OperationState.RUNNING:
        lines.append(progress_counts(view, now_ms))
        lines += [soaking_line(view, PLAIN)] if view.soaking_until else []
    else:
        lines += plan_lines(view, PLAIN)
    lines += frozen_lines(view, PLAIN)
    if not view.plan_only and view.life is None:
        lines += [f"  {line}" for line in node_lines(view, PLAIN)]
    for question in view.open_questions:
        lines += ["", *question_lines(view, question)]
    if view.log:
        lines += ["", *(log_line(entry) for entry in view.log[-10:])]
    return [*lines, "", people_line(view, PLAIN)]
