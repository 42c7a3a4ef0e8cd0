"""The parent message of an operation: one message, in place, from the request to its end."""

from bot.messages.audience import Audience
from bot.messages.blocks import actions, context, header, section
from bot.messages.buttons import (
    ABORT,
    DETAILS,
    PAUSE,
    RESUME,
    decision_buttons,
    is_request,
    operation_button,
)
from bot.messages.decisions import people
from bot.messages.finish import finish_lines, finish_text, finish_title, is_return, people_line
from bot.messages.freezing import frozen_since
from bot.messages.life import life_lines, life_text, life_title
from bot.messages.message import PARENT, BlockDict, Message, Priority
from bot.messages.nodes import done_count, node_lines, node_list, node_name, pods_gone, pods_total
from bot.messages.question import asked_again, effects, question_key
from bot.messages.request import asked_line, plan_lines, request_title
from bot.messages.several import on_nodes
from bot.messages.style import MRKDWN, NOTICE, Style
from bot.messages.text import clip, count, mention, pod_names, short_id
from bot.messages.times import duration
from bot.messages.whole_life import going_words, is_part
from jobs.models import OperationState, OperationView, QuestionKind, QuestionView

__all__ = [
    "PARENT",
    "frozen_lines",
    "parent",
    "progress_counts",
    "soaking_line",
    "state_words",
    "waiting_line",
]

_TEXT = 1_000


def parent(view: OperationView, now_ms: int, audience: Audience) -> Message:
    """Return the parent message as it should read now."""
    if view.state is OperationState.ENDED:
        return _ended(view, audience)
    start = _open_start(view)
    if start is not None:
        return _start(view, start, audience)
    return _running(view, now_ms, audience)


def state_words(view: OperationView) -> str:
    """Say in one or two words where an operation stands."""
    if view.state is OperationState.ENDED:
        return finish_title(view)
    if view.aborted_by:
        return "Aborting"
    if view.state is OperationState.RUNNING:
        if view.paused_by:
            return "Paused"
        return _going(view)
    return {
        OperationState.SUBMITTED: "Waiting for a worker",
        OperationState.PLANNING: "Looking at the nodes",
        OperationState.CONFIRMING: "Waiting for Start",
        OperationState.APPROVING: "Waiting for approval",
    }[view.state]


def _going(view: OperationView) -> str:
    if view.life is not None:
        return life_title(view, view.life)
    if is_return(view):
        return "Giving back"
    if view.frozen:
        return "Frozen"
    if words := going_words(view):
        return words
    soaking = "Soaking" if view.soaking_until else "Draining"
    asked = any(not is_part(question) for question in view.open_questions)
    return "Waiting for people" if asked else soaking


def progress_counts(view: OperationView, now_ms: int) -> str:
    """Return `1 of 2 nodes · 40 of 41 pods · 5 min`."""
    begun = min((n.started_at for n in view.nodes if n.started_at), default=view.created_at)
    parts = [f"{done_count(view)} of {count(len(view.nodes), 'node')}"]
    if pods_total(view):
        parts.append(f"{pods_gone(view)} of {count(pods_total(view), 'pod')}")
    if begun:
        parts.append(_coarse(now_ms - begun))
    return " · ".join(parts)


def waiting_line(question: QuestionView, audience: Audience, style: Style) -> str:
    """Say what an open question waits for: `Waits for @sre: payments/db-2, since 14:09`."""
    who = people(audience.mentions(question), style, last=" or ")
    about = pod_names(map(str, question.pods), style.text, limit=2) or "a decision"
    if is_request(question):
        about = "approval"
    elif is_part(question):
        late = ", past its expected end" if question.reminded else ""
        about = f"the end of work on {node_name(question.node, style)}{late}"
    elif question.node and not question.pods:
        about = node_name(question.node, style)
    since = f", since {style.time(question.opened_at)}" if question.opened_at else ""
    link = style.link("→ question", audience.links.get(question_key(question), ""))
    shown = f" {link}" if link != "→ question" else ""
    return f"Waits for {f'{who}: ' if who else ''}{about}{since}{shown}"


def soaking_line(view: OperationView, style: Style) -> str:
    """Say until when the nodes that went first are watched: `Soaking until 14:30: …`."""
    rest = count(sum(not node.status.final for node in view.nodes), "other node")
    return f"Soaking until {style.time(view.soaking_until)}: {rest} to go after that"


def frozen_lines(view: OperationView, style: Style) -> list[str]:
    """Say that the cluster is frozen, since when, by whom and why, where that holds something."""
    if view.frozen is None or view.plan_only or view.life or is_return(view):
        return []
    cluster = style.text(view.cluster)
    held = "no new node and no new eviction until somebody thaws it"
    return [f"{cluster} is frozen {frozen_since(view.frozen, style)}; {held}"]


def _coarse(ms: int) -> str:
    # Seconds here would make each rendering differ, and each difference costs an update.
    return duration(ms) if ms >= 60_000 else "under 1 min"  # noqa: PLR2004  a minute


def _open_start(view: OperationView) -> QuestionView | None:
    return next((q for q in view.open_questions if q.kind is QuestionKind.START), None)


def _message(
    view: OperationView,
    text: str,
    blocks: list[BlockDict],
    priority: Priority,
    audience: Audience,
    volatile: tuple[str, ...] = (),
) -> Message:
    if audience.moved_from:
        moved = f"Told here because {mention(audience.moved_from)} can't be reached"
        blocks = [*blocks, context([moved])]
    return Message(
        key=PARENT,
        text=clip(text, _TEXT),
        blocks=tuple(blocks),
        priority=priority,
        version=view.version,
        in_thread=False,
        volatile=volatile,
    )


def _start(view: OperationView, question: QuestionView, audience: Audience) -> Message:
    who = audience.mentions(question)
    small = [f"{people(who, MRKDWN, last=' or ')} may start it" if who else ""]
    if question.stop_at:
        small.append(f"lapses {MRKDWN.time(question.stop_at)}")
    names = node_name(view.nodes[0].name, NOTICE) if len(view.nodes) == 1 else ""
    what = names or count(len(view.nodes), "node")
    text = (
        f"Start? {NOTICE.person(view.requester)} wants to drain {what} in "
        f"{NOTICE.text(view.cluster)}{_why(view)}."
    )
    blocks = [
        header(f"Start? {request_title(view)}"),
        section([asked_line(view, MRKDWN), *plan_lines(view, MRKDWN)]),
    ]
    told = [*asked_again(view, question, MRKDWN), *effects(view, question, MRKDWN)]
    blocks += [section(told)] if told else []
    blocks += [
        actions([*decision_buttons(question), operation_button(view, DETAILS)]),
        context([*small, f"op {short_id(view.id)}"]),
    ]
    return _message(view, text, blocks, Priority.URGENT, audience)


def _why(view: OperationView) -> str:
    return f": {NOTICE.text(view.reason, 200)}" if view.reason else ""


def _running(view: OperationView, now_ms: int, audience: Audience) -> Message:
    running = view.state is OperationState.RUNNING
    body = [asked_line(view, MRKDWN)]
    if view.life is not None:
        body += life_lines(view, view.life, MRKDWN)
    elif is_return(view):
        body.append(f"{node_list([n.name for n in view.nodes], MRKDWN)} is being given back.")
    elif running:
        body += [progress_counts(view, now_ms), *node_lines(view, MRKDWN)]
    elif any(question.kind is QuestionKind.APPROVAL for question in view.open_questions):
        body += plan_lines(view, MRKDWN)[:1]  # who is asked reads the rest there
    else:
        body += plan_lines(view, MRKDWN)
    body += [waiting_line(q, audience, MRKDWN) for q in view.open_questions[:5]]
    if view.soaking_until and running:
        body.append(soaking_line(view, MRKDWN))
    if view.paused_by and running:
        body.append(f"Paused by {mention(view.paused_by)}: no new node, no new eviction")
    body += frozen_lines(view, MRKDWN)
    as_of = f"as of {MRKDWN.time(now_ms, seconds=True)}"
    if audience.every and running:
        as_of += f", updates every {duration(audience.every * 1000)} or so"
    title = f"{state_words(view)} · {view.cluster}"
    blocks = [header(title if running or view.aborted_by else request_title(view))]
    if not running and not view.open_questions:
        body.append(f"{state_words(view)}.")
    blocks.append(section(body))
    buttons = _buttons(view)
    if buttons:
        blocks.append(actions([operation_button(view, action) for action in buttons]))
    blocks.append(context([*_deadlines(view), f"op {short_id(view.id)}", as_of]))
    return _message(view, _running_text(view), blocks, Priority.PROGRESS, audience, (as_of,))


def _buttons(view: OperationView) -> tuple[str, ...]:
    if view.aborted_by:
        return (DETAILS,)
    if view.state is not OperationState.RUNNING or is_return(view) or view.life:
        return (ABORT, DETAILS)
    return (RESUME if view.paused_by else PAUSE, ABORT, DETAILS)


def _deadlines(view: OperationView) -> list[str]:
    stops = [q.stop_at for q in view.open_questions if q.stop_at]
    if not stops:
        return []
    if all(is_request(q) for q in view.open_questions):
        return [f"lapses {MRKDWN.time(min(stops))}"]
    return [f"no answer: stops {MRKDWN.time(min(stops))}, cordons stay"]


def _running_text(view: OperationView) -> str:
    cluster = NOTICE.text(view.cluster)
    if view.state is not OperationState.RUNNING:
        what = node_list([n.name for n in view.nodes], NOTICE, limit=2)
        wish = (
            f"wants to drain {what} in {cluster}" if view.plan else f"asked for {what} in {cluster}"
        )
        if view.plan_only:
            wish = f"asked for the plan of {what} in {cluster}"
        return f"{state_words(view)}: {NOTICE.person(view.requester)} {wish}."
    if view.life is not None:
        return life_text(view, view.life, NOTICE)
    if is_return(view):
        return f"Giving {node_list([n.name for n in view.nodes], NOTICE)} back in {cluster}."
    done = f"{done_count(view)} of {count(len(view.nodes), 'node')} done"
    held = view.aborted_by or view.paused_by or view.frozen
    doing = state_words(view) if held else going_words(view) or "Draining"
    words = f"{doing} in {cluster}"
    asked = min(view.open_questions, key=is_part, default=None)
    if asked is not None and is_part(asked):
        nodes = node_list([q.node for q in view.open_questions], NOTICE)
        return f"{words}: {done}; somebody says when the maintenance of {nodes} is done."
    if asked is None:
        soaking = f"; {_lower(soaking_line(view, NOTICE))}" if view.soaking_until else ""
        return f"{words}: {done}{soaking}."
    pods = pod_names(map(str, asked.pods), NOTICE.text, limit=1)
    what = f"{pods}{on_nodes(asked, NOTICE)}" if pods else node_list(asked.nodes, NOTICE)
    verb = "waits" if len(asked.pods if pods else asked.nodes) <= 1 else "wait"
    return f"{words}: {done}; {what or 'it'} {verb} for a decision."


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _ended(view: OperationView, audience: Audience) -> Message:
    asked = [asked_line(view, MRKDWN)] if view.reason else []  # the last line says who
    blocks = [
        header(f"{finish_title(view)} · {view.cluster}"),
        section([*asked, *finish_lines(view, MRKDWN)]),
    ]
    lines = node_lines(view, MRKDWN)
    if lines and any(n.started_at for n in view.nodes):
        blocks.append(section(lines))
    blocks.append(context([people_line(view, MRKDWN)]))
    return _message(view, finish_text(view, NOTICE), blocks, Priority.ENDED, audience)
