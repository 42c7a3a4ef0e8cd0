"""Buttons: what each is called, what it carries, and how what comes back is read.

A question's button has the action id `decide:CHOICE` and the value `{"q": question, "c": choice}`;
an operation's has `operation:VERB` and `{"o": operation}`. What comes back is only ever a wish:
who may is judged where it is settled.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.messages.blocks import button, confirmation
from bot.messages.message import BlockDict
from bot.messages.text import count, listing, pod_names, user_of
from jobs.models import OperationView, QuestionKind, QuestionView

__all__ = [
    "ABORT",
    "DECIDE",
    "DETAILS",
    "MAINTAIN",
    "OPERATION_ACTIONS",
    "PAUSE",
    "REPORT",
    "RESUME",
    "RETURN",
    "Choice",
    "choice_label",
    "choice_past",
    "decision_buttons",
    "node_button",
    "operation_button",
    "read_choice",
    "read_node",
    "read_operation",
]

DECIDE = "decide:"
PAUSE, RESUME = "operation:pause", "operation:resume"
ABORT, DETAILS = "operation:abort", "operation:details"
REPORT = "operation:report"
MAINTAIN, RETURN = "operation:maintenance", "operation:return"
OPERATION_ACTIONS = (PAUSE, RESUME, ABORT, DETAILS, REPORT, MAINTAIN, RETURN)

_LABELS = {
    "start": "Start",
    "approve": "Approve",
    "deny": "Deny",
    "retry": "Retry",
    "wait": "Wait 1 h",
    "abort": "Abort…",
    "evict_anyway": "Evict anyway",
    "keep_waiting": "Keep waiting",
    "go_on": "Go on",
    "restart": "Start again",
    "return": "Return to service",
    "maintenance": "Back to maintenance",
    "drain_again": "Drain again",
    "declare_valid": "Declare valid",
    "give_back": "Give back",
    "keep_out": "Leave it out",
}
_PAST = {
    "start": "Started",
    "approve": "Approved",
    "deny": "Denied",
    "retry": "Retried",
    "wait": "Waits, said",
    "skip": "Skipped",
    "force": "Forced",
    "abort": "Aborted",
    "evict_anyway": "Evicted anyway",
    "keep_waiting": "Goes on waiting, said",
    "node_is_dead": "Declared dead",
    "go_on": "Went on",
    "restart": "Started again",
    "return": "Returned to service",
    "maintenance": "Left in maintenance",
    "drain_again": "Drained again",
    "declare_valid": "Declared valid",
    "give_back": "Given back",
    "keep_out": "Left in maintenance",
}
_DANGER = frozenset({"force", "abort", "deny", "evict_anyway", "node_is_dead"})
_PRIMARY = frozenset({"start", "approve", "return", "drain_again"})
_SHOWN = 30  # characters of a button that Slack shows, about


@dataclass(frozen=True)
class Choice:
    """What a button of a question says when it is pressed."""

    question: str
    choice: str


def word(choice: str) -> str:
    """Return a choice's stable word, however it was spelt: `evict-anyway` is `evict_anyway`."""
    return choice.strip().lower().replace("-", "_").replace(" ", "_")


def choice_label(choice: str, question: QuestionView | None = None, *, named: bool = True) -> str:
    """Return what a button is called: `Retry`, `Skip node-17`, `Force db-2…`.

    Without `named` pods are counted: for a place where their names don't belong.
    """
    name = word(choice)
    node = question.node if question else ""
    pods = question.pods if question else ()
    if name == "skip":
        several = count(len(question.nodes), "node") if question and question.by_node else ""
        return f"Skip {node or several}".strip()
    if name == "force":
        one = len(pods) == 1 and named
        of = pods[0].name if one else count(len(pods), "pod") if pods else ""
        return f"Force {of}…" if of else "Force…"
    if name == "evict_anyway" and question and question.kind is QuestionKind.START:
        return f"Start, evict {len(pods) if len(pods) > 1 else 'it'} anyway"
    if name == "evict_anyway" and len(pods) > 1:
        return f"Evict {len(pods)} anyway"
    if name == "node_is_dead":
        return f"{node or 'The node'} is dead"
    return _LABELS.get(name) or name.replace("_", " ").capitalize() or "Choose"


def choice_past(choice: str) -> str:
    """Return a choice as a thing done, for "Forced by …"."""
    name = word(choice)
    return _PAST.get(name) or f"{name.replace('_', ' ').capitalize()} chosen"


def decision_buttons(
    question: QuestionView, *, named: bool = True, which: str = ""
) -> tuple[BlockDict, ...]:
    """Return a button for each choice of an open question, in the question's own order.

    Without `named` they count pods instead of naming them. `which` comes first in what is read
    aloud, where there are several questions.
    """
    return tuple(_decision(question, each, named=named, which=which) for each in question.choices)


def _decision(question: QuestionView, choice: str, *, named: bool, which: str) -> BlockDict:
    name = word(choice)
    return button(
        _shortest(choice_label(choice, question, named=named)),
        f"{DECIDE}{choice}"[:255],
        json.dumps({"q": question.id, "c": choice}, separators=(",", ":")),
        reads=f"{which}{_reads(name, question, named=named) or choice_label(choice, question)}",
        style="danger" if name in _DANGER else "primary" if name in _PRIMARY else "",
        confirm=_confirm(name, question, named=named),
    )


def _shortest(words: str) -> str:
    # The end of a long name tells nodes apart, so the middle goes.
    return words if len(words) <= _SHOWN else f"{words[:12]}…{words[-16:]}"


def _reads(name: str, question: QuestionView, *, named: bool) -> str:
    one = len(question.pods) == 1 and named
    pods = f"{question.pods[0]}" if one else count(len(question.pods), "pod")
    starts = question.kind is QuestionKind.START
    told: dict[str, Callable[[], str]] = {
        "start": lambda: "Start this drain",
        "approve": lambda: "Approve this drain",
        "deny": lambda: "Deny this drain",
        "retry": lambda: (
            f"Wait for {question.node} again"
            if question.kind is QuestionKind.NOT_BACK
            else f"Try again to evict {pods}"
            if question.pods
            else "Look again"
        ),
        "wait": lambda: "Wait: ask again in an hour",
        "skip": lambda: f"Skip {listing(question.nodes, 4, last=' and ')}",
        "force": lambda: f"Force {pods} past the budget",
        "abort": lambda: "Abort the operation",
        "evict_anyway": lambda: (
            f"Start this drain, and evict {pods} anyway" if starts else f"Evict {pods} anyway"
        ),
        "restart": lambda: "Start again from the state of the cluster",
        "return": lambda: f"Return {question.node} to service",
        "maintenance": lambda: f"Leave {question.node} in maintenance",
        "drain_again": lambda: f"Drain {question.node} again",
        "declare_valid": lambda: f"Declare that {question.node} is as good as drained",
        "give_back": lambda: f"Give {question.node} back",
        "keep_out": lambda: f"Leave {question.node} in maintenance, and go on without it",
        "node_is_dead": lambda: f"Attest that {question.node} is dead",
    }
    return told[name]() if name in told else ""


def _confirm(name: str, question: QuestionView, *, named: bool) -> BlockDict | None:
    # Force and Abort ask in a modal of their own; these two have none.
    if name == "evict_anyway":
        pods = pod_names(map(str, question.pods), lambda text, _: text, limit=4, each=50)
        pods = pods if named else f"{count(len(question.pods), 'pod')} of {question.node}"
        yes = "Start" if question.kind is QuestionKind.START else "Evict"
        return confirmation("Evict anyway?", f"{pods}. Budgets still hold.", yes, "Back")
    if name == "node_is_dead":
        words = (
            f"You attest that {question.node} is off and can't come back by itself. Its volumes "
            "are given to other nodes; if it still runs, their data may be damaged."
        )
        return confirmation("Is this node dead?", words, "It is dead", "Back")
    return None


def operation_button(view: OperationView, action: str, *, which: str = "") -> BlockDict:
    """Return one of the parent message's buttons (:data:`OPERATION_ACTIONS`).

    `which` comes first in what is read aloud, where there are several operations.
    """
    return _operation_button(view.id, action, which)


def node_button(
    operation: str, node: str, action: str, *, which: str = "", named: bool = False
) -> BlockDict:
    """Return a button about one node that an operation drained; `which` as above.

    It is `named` after the node where there are several of the kind in a message.
    """
    return _operation_button(operation, action, which, node=node, named=named)


def _operation_button(
    operation: str, action: str, which: str, *, node: str = "", named: bool = False
) -> BlockDict:
    words, reads, style = {
        PAUSE: ("Pause", "Pause: no new eviction", ""),
        RESUME: ("Resume", "Let the operation go on", "primary"),
        ABORT: ("Abort…", "Abort the operation", "danger"),
        DETAILS: ("Details", "Show the plan and each node", ""),
        MAINTAIN: ("Start maintenance", "Say that work on the node begins", "primary"),
        RETURN: ("Return to service", "Give the node back when it is what it was", ""),
        REPORT: ("Report", "Show who did what, and on what grounds", ""),
    }[action]
    if named:
        words = _shortest(f"{'Return' if action == RETURN else 'Maintain'} {node}")
    about = {"o": operation, "n": node} if node else {"o": operation}
    value = json.dumps(about, separators=(",", ":"))
    return button(words, action, value, reads=f"{which}{reads}", style=style)


def read_choice(value: object) -> Choice | None:
    """Read the value of a question's button, or None where it isn't one of ours."""
    fields = _read(value)
    question, choice = fields.get("q"), fields.get("c")
    if isinstance(question, str) and isinstance(choice, str) and question and choice:
        return Choice(question, choice)
    return None


def read_operation(value: object) -> str | None:
    """Read the value of an operation's button: the operation's id, or None."""
    operation = _read(value).get("o")
    return operation if isinstance(operation, str) and operation else None


def read_node(value: object) -> str:
    """Read which node an operation's button is about, "" where it doesn't say."""
    node = _read(value).get("n")
    return node if isinstance(node, str) else ""


def _read(value: object) -> dict[str, Any]:
    if not isinstance(value, str):
        return {}
    try:
        fields = json.loads(value)
    except ValueError:
        return {}
    except RecursionError:  # a value nested on purpose
        return {}
    return fields if isinstance(fields, dict) else {}


def is_request(question: QuestionView) -> bool:
    """Whether the question is about the request as a whole, not about something in its way."""
    return question.kind in {QuestionKind.START, QuestionKind.APPROVAL}


def settled_words(choice: str, by: str) -> str:
    """Return `Skip by @ana`, for the one who came second."""
    return f"{choice_label(choice).rstrip('…')} by {by}"


def same_person(one: str, other: str) -> bool:
    """Whether two ids mean the same user, with or without the team."""
    return user_of(one) == user_of(other)
