"""What became of a question, in words: votes, waits, who settled it and why it was closed."""

from bot.messages.buttons import choice_label, choice_past, word
from bot.messages.style import Style
from bot.messages.text import listing
from jobs.models import QuestionState, QuestionView, Settlement

__all__ = ["outcome_line", "people", "vote_lines", "wait_line", "waits_for"]

_PEOPLE = 6

_CLOSED = {
    "no_longer_needed": "No longer needed",
    "nobody_answered": "Nobody answered: the operation stopped, its cordons stay",
    "aborted": "The operation was aborted",
    "superseded": "Replaced, because what is in the way has changed",
}


def people(principals: tuple[str, ...], style: Style, *, last: str = " and ") -> str:
    """Name people: `@bo and @cy`."""
    return listing([style.person(p) for p in principals], _PEOPLE, last=last)


def settled_line(settled: Settlement, style: Style) -> str:
    """Say who decided what, when and why: `Forced by @bo and @cy at 14:19: primary moved.`."""
    words = (
        f"{choice_past(settled.choice)} by {people(settled.by, style)} at {style.time(settled.at)}"
    )
    return f"{words}: {_sentence(style.text(settled.note, 500))}" if settled.note else f"{words}."


def outcome_line(question: QuestionView, style: Style, *, successor: str = "") -> str:
    """Say how a question ended; '' while it is open.

    `successor` is the address of the new question, where it was replaced.
    """
    if question.settled is not None:
        return settled_line(question.settled, style)
    if question.state is QuestionState.OPEN:
        return ""
    words = _CLOSED.get(question.closed_because) or "Closed"
    at = f" ({style.time(question.closed_at)})" if question.closed_at else ""
    why = f": {style.text(question.detail, 300)}" if _explains(question) else ""
    new = (
        style.link("→ the new question", successor) if question.superseded_by and successor else ""
    )
    return f"{words}{at}{why}. {new}".strip()


def _explains(question: QuestionView) -> bool:
    return question.closed_because == "no_longer_needed" and bool(question.detail)


def vote_lines(question: QuestionView, style: Style) -> list[str]:
    """Say which choices have votes but not enough of them yet: `Force: 1 of 2 votes, @bo`."""
    lines = []
    for choice in question.choices:
        needed = _needed(question, choice)
        by = tuple(dict.fromkeys(v.by for v in question.votes if word(v.choice) == word(choice)))
        if needed > 1 and by:
            label = style.text(choice_label(choice, question).rstrip("…"))
            lines.append(f"{label}: {len(by)} of {needed} votes, {people(by, style)}.")
    return lines


def needs_line(question: QuestionView, style: Style) -> str:
    """Say which choices take several people: `Force db-2 takes 2 people`."""
    several = [
        f"{style.text(choice_label(choice, question).rstrip('…'))} takes {needed} people"
        for choice in question.choices
        if (needed := _needed(question, choice)) > 1
    ]
    return ", ".join(several)


def _needed(question: QuestionView, choice: str) -> int:
    return next((n for c, n in question.votes_needed.items() if word(c) == word(choice)), 1)


def wait_line(question: QuestionView, style: Style) -> str:
    """Say who pressed Wait last, and until when that is."""
    if not question.waits:
        return ""
    last = question.waits[-1]
    until = f"; the operation stops at {style.time(question.stop_at)}" if question.stop_at else ""
    return f"{style.person(last.by)} pressed Wait at {style.time(last.at)}{until}."


def waits_for(question: QuestionView, who: tuple[str, ...], style: Style) -> str:
    """Return who decides, and what happens if nobody does."""
    names = f"{people(who, style, last=' or ')} decide" if who else "Waits for a decision"
    names += "s" if len(who) == 1 else ""
    if not question.stop_at:
        return names
    return f"{names} · no answer by {style.time(question.stop_at)}: the operation stops"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."
