"""What became of a question, in words: votes, waits, who settled it and why it was closed."""

from bot.messages.buttons import choice_label, choice_past, word
from bot.messages.style import Style
from bot.messages.text import listing
from jobs.models import QuestionKind, QuestionState, QuestionView, Settlement
from jobs.policy import missing_votes

__all__ = [
    "missing_line",
    "needs_line",
    "outcome_line",
    "people",
    "void_line",
    "vote_lines",
    "wait_line",
    "waits_for",
]

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
    new = (
        style.link("→ the new question", successor) if question.superseded_by and successor else ""
    )
    if question.settled is not None:
        said = f"{settled_line(question.settled, style)}{_grounds(question, style)}"
        return f"{said}{void_line(question, style)} {new}".strip()
    if question.state is QuestionState.OPEN:
        return ""
    words = _CLOSED.get(question.closed_because) or "Closed"
    at = f" ({style.time(question.closed_at)})" if question.closed_at else ""
    why = f": {style.text(question.detail, 300)}" if _explains(question) else ""
    if question.superseded_because:
        words, why = "Replaced", f", because {style.text(question.superseded_because, 300)}"
    return f"{words}{at}{why}. {new}".strip()


def void_line(question: QuestionView, style: Style) -> str:
    """Say of a decision that it does not count any more, and why; '' while it does."""
    if question.settled is None or not question.superseded_by:
        return ""
    why = f": {style.text(question.superseded_because, 300)}" if question.superseded_because else ""
    return f" That is void, because the plan has changed since{why}."


def _grounds(question: QuestionView, style: Style) -> str:
    """Mark a decision that rests on less than it should: Slack could not be asked for groups."""
    settled = question.settled
    votes = [v for v in question.votes if settled and v.choice == settled.choice]
    counted = [v for v in votes if settled and v.by in settled.by]
    marks = []
    if glass := tuple(v.by for v in counted if "break_glass" in v.rests_on):
        marks.append(f"{people(glass, style)} by break glass: user groups could not be asked for")
    if stale := tuple(v.by for v in counted if v.stale):
        as_of = min(v.groups_at for v in counted if v.stale)
        marks.append(f"{people(stale, style)} by user groups as of {style.time(as_of)}")
    return f" ({'; '.join(marks)}.)" if marks else ""


def _explains(question: QuestionView) -> bool:
    if question.kind is QuestionKind.MAINTENANCE:  # its detail is why the work is done at all
        return False
    return question.closed_because == "no_longer_needed" and bool(question.detail)


def vote_lines(question: QuestionView, style: Style) -> list[str]:
    """Say which choices have votes but not enough of them yet: `Force: 1 of 2 votes, @bo`."""
    lines = []
    for choice in question.choices:
        needed = _needed(question, choice)
        by = tuple(dict.fromkeys(v.by for v in question.votes if word(v.choice) == word(choice)))
        if needed > 1 and by:
            label = style.text(choice_label(choice, question).rstrip("…"))
            missing = missing_line(question, choice, style)
            lacks = f"; {missing}" if missing else ""
            lines.append(f"{label}: {len(by)} of {needed} votes, {people(by, style)}{lacks}.")
    return lines


def missing_line(question: QuestionView, choice: str, style: Style) -> str:
    """Say whose votes a choice of several roles lacks: `it lacks a vote of @pay`."""
    needed = _roles(question, choice)
    if len(needed) < 2:  # noqa: PLR2004  with one role a number says it all
        return ""
    voters = [v.roles for v in question.votes if word(v.choice) == word(choice)]
    missing = missing_votes(needed, voters)
    lacks = [_of_role(role, number, style) for role, number in sorted(missing.items())]
    return f"it lacks {' and '.join(lacks)}" if lacks else ""


def _of_role(role: str, number: int, style: Style) -> str:
    who = f"of {style.person(role.removeprefix('owner:'))}" if role != "force" else "to force"
    return f"{'a vote' if number == 1 else f'{number} votes'} {who}"


def _roles(question: QuestionView, choice: str) -> dict[str, int]:
    found = (roles for c, roles in question.roles_needed.items() if word(c) == word(choice))
    return next(found, {})


def needs_line(question: QuestionView, style: Style) -> str:
    """Say which choices take several people: `Force db-2 takes 2 people`."""
    several = [
        f"{style.text(choice_label(choice, question).rstrip('…'))} takes {needed} people"
        f"{_owners(question, choice, style)}"
        for choice in question.choices
        if (needed := _needed(question, choice)) > 1
    ]
    return ", ".join(several)


def _owners(question: QuestionView, choice: str, style: Style) -> str:
    groups = [role.removeprefix("owner:") for role in _roles(question, choice) if role != "force"]
    return f", one of them of {people(tuple(sorted(groups)), style)}" if groups else ""


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
