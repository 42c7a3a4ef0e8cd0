"""Modals: Force and Abort ask for more than a click; Details shows more than a message.

https://docs.slack.dev/reference/views/modal-views
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.messages.blocks import header, section
from bot.messages.decisions import needs_line, vote_lines
from bot.messages.message import BlockDict
from bot.messages.modal_parts import Errors, carried, modal, plain, text_input, typed
from bot.messages.obstacles import block_lines
from bot.messages.style import MRKDWN
from bot.messages.text import count, escape, listing
from bot.messages.whole_life import stays_out
from jobs.models import OperationView, QuestionView

__all__ = [
    "ABORT_MODAL",
    "FORCE_MODAL",
    "AbortForm",
    "Errors",
    "ForceForm",
    "abort_modal",
    "force_modal",
    "note_modal",
    "read_abort",
    "read_force",
]

FORCE_MODAL = "drainbot_force"
ABORT_MODAL = "drainbot_abort"
_REASON, _CONFIRM = "reason", "confirm"
_VIEW_BLOCKS = 100
_PODS_A_SECTION, _POD_SECTIONS = 10, 20
_TAIL = 4  # characters of the node's name that are typed to confirm


@dataclass(frozen=True)
class ForceForm:
    """A submitted Force modal: the choice as the question spells it, and the reason."""

    question: str
    choice: str
    reason: str
    channel: str
    thread_ts: str


@dataclass(frozen=True)
class AbortForm:
    """A submitted Abort modal. `question` and `choice` are set where it was a question's button."""

    operation: str
    question: str
    choice: str
    reason: str
    channel: str
    thread_ts: str


def force_modal(
    question: QuestionView,
    *,
    choice: str = "force",
    reason_required: bool = False,
    confirm: bool = True,
    channel: str = "",
    thread_ts: str = "",
) -> BlockDict:
    """Return the view that asks before pods are forced: exactly which, and why.

    With `confirm`, the last characters of the node's name (of the cluster's, where there is not one
    node alone) have to be typed too. `channel` and `thread_ts` come back with the submission.
    """
    pods = question.pods
    name = question.node or question.cluster
    blocks = [section([f"{count(len(pods), 'pod')} of {escape(name)} will be deleted:"])]
    on = {pod.uid: f" ({escape(each.node, 80)})" for each in question.by_node for pod in each.pods}
    lines = [f"• {escape(str(pod), 320)}{on.get(pod.uid, '')}" for pod in pods]
    shown = lines[: _PODS_A_SECTION * _POD_SECTIONS]
    blocks += [
        section(shown[at : at + _PODS_A_SECTION]) for at in range(0, len(shown), _PODS_A_SECTION)
    ]
    if len(lines) > len(shown):
        blocks.append(section([f"… and {len(lines) - len(shown)} more; see `drainbot status`."]))
    votes = vote_lines(question, MRKDWN) or [needs_line(question, MRKDWN)]
    how = _FORCE_ONE if len(pods) == 1 else _FORCE_MANY
    blocks.append(section([*block_lines(question.blocks, MRKDWN, named=True), how, *votes]))
    blocks.append(text_input(_REASON, "Why", required=reason_required, many_lines=True))
    if confirm:
        tail = name[-_TAIL:]
        blocks.append(
            text_input(_CONFIRM, f"Type the last {len(tail)} characters of {name}", required=True)
        )
    return modal(
        FORCE_MODAL,
        "Force",
        blocks,
        submit="Force",
        carries={
            "q": question.id,
            "c": choice,
            "tail": name[-_TAIL:] if confirm else "",
            "must": int(reason_required),
            "ch": channel,
            "ts": thread_ts,
        },
    )


_FORCE_ONE = "It is deleted past its budget, with its own grace period."
_FORCE_MANY = (
    "Each is deleted past its budget, with its own grace period, one at a time: the next when the "
    "replacement is ready, or after a minute."
)


def read_force(view: Mapping[str, Any]) -> ForceForm | Errors:
    """Read a submission of :func:`force_modal` (the payload's `view`), or say what is wrong."""
    kept = carried(view)
    reason, confirmed = typed(view, _REASON), typed(view, _CONFIRM)
    errors: Errors = {}
    if kept.get("must") and not reason:
        errors[_REASON] = "Say why: the policy asks for a reason."
    tail = str(kept.get("tail", ""))
    if tail and confirmed.casefold() != tail.casefold():
        errors[_CONFIRM] = f"Type {tail}, the last {len(tail)} characters of the name."
    if errors:
        return errors
    question, choice = str(kept.get("q", "")), str(kept.get("c", ""))
    return ForceForm(question, choice, reason, str(kept.get("ch", "")), str(kept.get("ts", "")))


def abort_modal(
    view: OperationView,
    *,
    question: str = "",
    choice: str = "",
    channel: str = "",
    thread_ts: str = "",
) -> BlockDict:
    """Return the view that asks before an operation is aborted."""
    started = [n.name for n in view.nodes if n.evicted_any and not n.status.final]
    out = stays_out(view)
    started = [name for name in started if name not in out]
    kept = [n.name for n in view.nodes if not n.evicted_any and not n.status.final]
    kept = [name for name in kept if name not in out]
    lines = [f"No further eviction in {escape(view.cluster)}, beyond requests on their way."]
    if out:
        lines.append(f"Stays cordoned, out of service: {_names(out)}.")
    if started:
        lines.append(f"Stays cordoned, pods were evicted already: {_names(started)}.")
    if kept:
        lines.append(f"Uncordoned, if the cordon was drainbot's own: {_names(kept)}.")
    blocks = [section(lines), text_input(_REASON, "Why", required=False, many_lines=True)]
    carries: dict[str, str | int] = {"o": view.id, "q": question, "c": choice, "ch": channel}
    return modal(ABORT_MODAL, "Abort", blocks, submit="Abort", carries={**carries, "ts": thread_ts})


def read_abort(view: Mapping[str, Any]) -> AbortForm | Errors:
    """Read a submission of :func:`abort_modal` (the payload's `view`)."""
    kept = {key: str(value) for key, value in carried(view).items()}
    return AbortForm(
        kept.get("o", ""),
        kept.get("q", ""),
        kept.get("c", ""),
        typed(view, _REASON),
        kept.get("ch", ""),
        kept.get("ts", ""),
    )


def note_modal(title: str, lines: list[str]) -> BlockDict:
    """Return a view that only tells something; `lines` are safe mrkdwn."""
    blocks = [section(lines[at : at + 10]) for at in range(0, len(lines), 10)]
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": blocks[:_VIEW_BLOCKS] or [header(title)],
    }


def _names(names: list[str]) -> str:
    return listing([escape(name, 60) for name in names], 10)
