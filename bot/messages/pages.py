"""What pagers are told of an operation: counts and a link, never a pod's name.

A page is JSON for a program; docs/pagers.md has its fields, which only ever become more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.messages.nodes import node_list
from bot.messages.style import PLAIN
from bot.messages.text import count
from bot.messages.times import utc
from jobs.models import OperationView, QuestionKind, QuestionState, QuestionView

__all__ = ["LINK_WITHIN", "Page", "pages_of"]

LINK_WITHIN = 10_000
"""How long a page waits for the address of its question, in ms: Slack may be what is away."""

# Whoever asked looks at the plan: nobody is woken for that.
_TOLD_TO_NOBODY = frozenset({QuestionKind.START})
_EVENTS = {
    QuestionKind.OVERDUE: "node_overdue",
    QuestionKind.UNCORDONED: "fence_lost",
    QuestionKind.FENCE_LOST: "fence_lost",
    QuestionKind.MAINTENANCE: "maintenance_overdue",
}
# Nobody is woken while it is as it should be: only once it is late.
_ONLY_LATE = frozenset({QuestionKind.MAINTENANCE})
_STATUS = {"remind": "reminded", "escalate": "escalated"}


@dataclass(frozen=True)
class Page:
    """One thing to tell pagers. `key` is unique within the operation and told once.

    `after` is the key that must have been told before: nobody hears of the end of what they never
    heard of. It may go from `not_before` on (ms since the epoch).
    """

    key: str
    body: Mapping[str, Any]
    after: str = ""
    not_before: int = 0


def pages_of(view: OperationView, links: Mapping[str, str]) -> tuple[Page, ...]:
    """Return all pages that a view calls for, in their order. Pure.

    `links` are addresses by id of the operation and of questions, as far as they are known.
    """
    pages: list[Page] = []
    for question in view.questions:
        if question.kind in _TOLD_TO_NOBODY:
            continue
        if question.kind in _ONLY_LATE and not question.reminded:
            continue
        link = links.get(question.id) or links.get(view.id, "")
        waits = 0 if question.id in links else question.opened_at + LINK_WITHIN
        is_open = question.state is QuestionState.OPEN
        opened = f"{question.id}:open"
        if is_open:
            pages.append(Page(opened, _body(view, question, "open", link), not_before=waits))
            pages += [
                Page(
                    f"{question.id}:{notice}:{number}",
                    _body(view, question, _STATUS.get(notice, "reminded"), link),
                    after=opened,
                )
                for number, notice in enumerate(question.reminded)
            ]
        else:
            closed = _body(view, question, "closed", link)
            pages.append(Page(f"{question.id}:closed", closed, after=opened))
    return tuple(pages)


def _body(view: OperationView, question: QuestionView, status: str, link: str) -> dict[str, Any]:
    event = _EVENTS.get(question.kind, "question")
    return {
        "version": 1,
        "event": event,
        "status": status,
        "about": question.id,
        "kind": question.kind.value,
        "cluster": question.cluster,
        "operation": view.id,
        "node": question.node,
        "on_nodes": list(question.nodes),
        "nodes": len(view.nodes),
        "pods": len(question.pods),
        "opened_at": _iso(question.opened_at),
        "stops_at": _iso(question.stop_at) if status != "closed" else None,
        "outcome": _outcome(question) if status == "closed" else None,
        "summary": _summary(view, question, event, status),
        "link": link or None,
    }


def _outcome(question: QuestionView) -> str:
    return question.settled.choice if question.settled else question.closed_because or "closed"


def _summary(view: OperationView, question: QuestionView, event: str, status: str) -> str:
    cluster = PLAIN.text(question.cluster, 40)
    node = node_list(question.nodes, PLAIN)
    if status == "closed":
        return f"No decision is needed any more in {cluster}, operation {view.id}."
    if event == "node_overdue":
        said = f"The drain of {node} in {cluster} takes longer than it was given"
    elif event == "maintenance_overdue":
        said = f"{node} in {cluster} is in maintenance past its expected end"
    elif question.kind is QuestionKind.FENCE_LOST:
        said = f"The fence of {node} in {cluster} is lost: it is open, not drainbot's, or not empty"
    elif event == "fence_lost":
        said = f"{node} in {cluster} was uncordoned while it was being drained"
    elif question.kind is QuestionKind.APPROVAL:
        said = f"A drain of {count(len(view.nodes), 'node')} in {cluster} waits for approval"
    else:
        pods = f" about {count(len(question.pods), 'pod')}" if question.pods else ""
        said = f"A drain in {cluster} waits for a decision{pods}{f' on {node}' if node else ''}"
    since = f", since {utc(question.opened_at)}" if question.opened_at else ""
    stops = f"; nobody answers by {utc(question.stop_at)}: it stops" if question.stop_at else ""
    return f"{said}{since}{stops}."


def _iso(ms: int) -> str | None:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat(timespec="seconds") if ms else None
