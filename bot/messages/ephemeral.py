"""What is told to one person only, for each answer that drainbot can give to what they did.

An empty string means that nothing needs to be said: the message itself shows it.
"""

from bot.messages.buttons import choice_label, settled_words, word
from bot.messages.decisions import missing_line, people, void_line
from bot.messages.freezing import frozen_since
from bot.messages.style import MRKDWN, Style
from bot.messages.text import escape, short_id
from bot.messages.times import duration
from jobs.models import (
    Acted,
    Decided,
    DrainRequest,
    Outcome,
    QuestionState,
    QuestionView,
    Refused,
    Submitted,
)

__all__ = [
    "NOT_A_BUTTON",
    "NOT_RECORDED",
    "OTHER_ORGANISATION",
    "WENT_WRONG",
    "acted_words",
    "decided_words",
    "refused_words",
    "submitted_words",
    "tended_words",
    "uncordon_words",
]

NOT_RECORDED = "Not sure that this was recorded (Redis is away). Press again; twice does no harm."
NOT_A_BUTTON = (
    "This button is not one that drainbot made, or it is from an old version. Nothing changed."
)
OTHER_ORGANISATION = (
    "drainbot takes orders only from members of its own Slack workspace. Nothing changed."
)
WENT_WRONG = (
    "Something went wrong in drainbot, so this may not have been recorded. Try again; twice does "
    "no harm. If it happens again, drainbot's log tells why."
)
_UNKNOWN = (
    "drainbot doesn't know this question: it is too old, or not one of its own. Nothing changed."
)


def decided_words(
    decided: Decided, choice: str, *, now_ms: int, successor: str = "", style: Style = MRKDWN
) -> str:
    """Tell somebody what became of their answer `choice`.

    `successor` is the address of the question that replaced this one, if it is known.
    """
    question = decided.question
    if decided.outcome in {Outcome.SETTLED, Outcome.POSTPONED}:
        return ""
    if decided.outcome is Outcome.REFUSED:
        return _refusal(decided.reason, decided.who_may, style)
    if question is None or decided.outcome is Outcome.UNKNOWN:
        return _UNKNOWN
    if decided.outcome in {Outcome.VOTED, Outcome.ALREADY_VOTED}:
        return _voted(question, choice, style, again=decided.outcome is Outcome.ALREADY_VOTED)
    if decided.outcome is Outcome.NOT_A_CHOICE:
        offered = ", ".join(choice_label(c, question).rstrip("…") for c in question.choices)
        return f"That is not among the choices: {style.text(offered)}. Nothing changed."
    return _too_late(question, now_ms, successor, style)


def _voted(question: QuestionView, choice: str, style: Style, *, again: bool) -> str:
    same = {v.by for v in question.votes if word(v.choice) == word(choice)}
    needed = next((n for c, n in question.votes_needed.items() if word(c) == word(choice)), 1)
    label = style.text(choice_label(choice, question).rstrip("…"))
    missing = missing_line(question, choice, style)
    lacks = f" {missing[:1].upper()}{missing[1:]}." if missing else ""
    if again:
        return (
            f"You have voted already. {label} has {len(same)} of {needed} votes; "
            f"the others must come from other people.{lacks}"
        )
    return (
        f"Your vote counts: {label} has {len(same)} of {needed} votes. Nothing has happened "
        f"yet.{lacks}"
    )


def _too_late(question: QuestionView, now_ms: int, successor: str, style: Style) -> str:
    if question.settled is not None:
        by = people(question.settled.by, style)
        ago = duration(now_ms - question.settled.at)
        words = settled_words(question.settled.choice, by)
        told = f"Already settled: {words}, {ago} ago. Yours was not applied."
        void = void_line(question, style).rstrip(".")
        return f"{told}{void}; {_new_one(successor, style)}." if void else told
    if question.state is QuestionState.OPEN:
        return "Not applied: the question has just changed. Look again, and decide anew."
    why = {
        "no_longer_needed": "This is no longer needed: what was in the way is gone.",
        "nobody_answered": "Too late: nobody answered in time, and the operation stopped. "
        "Its cordons stay; it can be started again.",
        "aborted": "The operation was aborted.",
        "superseded": _replaced(question, successor, style),
    }.get(question.closed_because, "This question is closed.")
    return f"{why} Yours was not applied."


def _replaced(question: QuestionView, successor: str, style: Style) -> str:
    changed = question.superseded_because
    why = style.text(changed, 300) if changed else "what is in the way has changed"
    return f"This question was replaced because {why}; {_new_one(successor, style)}."


def _new_one(successor: str, style: Style) -> str:
    return style.link("here is the new one", successor) if successor else "look further down"


def refused_words(refused: Refused, style: Style = MRKDWN) -> str:
    """Tell somebody why what they asked for was refused, and who may."""
    return _refusal(refused.reason, refused.who_may, style)


def _refusal(reason: str, who_may: tuple[str, ...], style: Style) -> str:
    words = style.text(reason or "You can't do this. Nothing changed.", 1_500)
    return f"{words} Ask {people(who_may, style, last=' or ')}." if who_may else words


def submitted_words(submitted: Submitted, request: DrainRequest, style: Style = MRKDWN) -> str:
    """Tell somebody that their request was taken."""
    nodes = f"{len(request.nodes)} nodes" if len(request.nodes) != 1 else request.nodes[0]
    operation = short_id(submitted.operation)
    doing = "Planning" if request.plan_only else "Draining"
    told = f"{doing} {style.text(nodes)} in {style.text(request.cluster)}: op {operation}."
    if not submitted.created:
        told = f"This was asked already: op {operation} serves it."
    if submitted.frozen and not request.plan_only:
        since = frozen_since(submitted.frozen, style).rstrip(".")
        told += f" {style.text(request.cluster)} is frozen {since}. It waits until it is thawed."
    return f"{told}{_no_worker(submitted, request.cluster, style)}"


def uncordon_words(submitted: Submitted, cluster: str, node: str, style: Style = MRKDWN) -> str:
    """Tell somebody that a node is being given back."""
    operation = short_id(submitted.operation)
    told = f"Giving {style.text(node)} back to {style.text(cluster)}: op {operation}."
    return f"{told}{_no_worker(submitted, cluster, style)}"


def tended_words(
    submitted: Submitted, verb: str, cluster: str, node: str, style: Style = MRKDWN
) -> str:
    """Tell somebody that the maintenance of a node begins, or its return (`verb`: return)."""
    operation = short_id(submitted.operation)
    shown, where = style.text(node), style.text(cluster)
    told = f"Returning {shown} to service in {where}: op {operation}."
    if verb == "maintenance":
        told = f"Starting the maintenance of {shown} in {where}: op {operation}."
    return f"{told}{_no_worker(submitted, cluster, style)}"


def _no_worker(submitted: Submitted, cluster: str, style: Style) -> str:
    if submitted.worker_seen:
        return ""
    return (
        f" No worker of {style.text(cluster)} is alive, so it waits: start one "
        "(drainbot worker), and it goes on by itself."
    )


def acted_words(acted: Acted, verb: str) -> str:
    """Tell somebody that an abort, a pause or a resume was recorded (`verb`: aborted, paused…)."""
    operation = short_id(acted.operation)
    if acted.changed:
        return f"op {operation} is {escape(verb, 40)}."
    return f"op {operation} was {escape(verb, 40)} already. Nothing changed."
