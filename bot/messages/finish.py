"""How an operation ended: what is safe now, what was forced, what somebody should look at."""

from bot.messages.blocks import actions, context, header, section
from bot.messages.buttons import (
    MAINTAIN,
    REPORT,
    RETURN,
    node_button,
    operation_button,
    word,
)
from bot.messages.decisions import people
from bot.messages.life import life_lines, life_text, life_title
from bot.messages.message import BlockDict, Message, Priority
from bot.messages.nodes import detail_words, done_count, node_list, node_name
from bot.messages.request import plan_lines
from bot.messages.style import MRKDWN, NOTICE, Style, with_people
from bot.messages.text import clip, count, label, listing, mention, pod_names, short_id
from bot.messages.times import duration
from bot.messages.whole_life import back_lines, longest_away
from jobs.models import (
    NodeStatus,
    NodeView,
    OperationEnd,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionView,
)

__all__ = [
    "FINISH",
    "finish",
    "finish_lines",
    "finish_text",
    "finish_title",
    "is_return",
    "people_line",
]

FINISH = "finish"

_SHOWN = 6
_ROWS = 3  # nodes with buttons of their own
_LONGEST_NAME = 253  # of a node: what is longer is none, and no button carries it
_PLANNED = 12  # pods of each kind that a plan names
_DIGEST = 12  # characters of a plan's digest that tell it from another one
_EXPLAINED = frozenset({OperationEnd.REFUSED, OperationEnd.FAILED, OperationEnd.PARTLY})
_DONE = frozenset({NodeStatus.DRAINED, NodeStatus.RETURNED})
_YES = frozenset({"start", "approve", "evict_anyway"})
_AT_ONCE = 10_000  # ms: who was refused this fast still looks at the parent message


def finish(view: OperationView) -> Message | None:
    """Return the message that tells who asked that it is over, or None where the parent does."""
    looks = view.end in {OperationEnd.REFUSED, OperationEnd.PLANNED}
    if looks and view.ended_at - view.created_at < _AT_ONCE:
        return None
    who, buttons = mention(view.requester), _finish_buttons(view)
    offered = RETURN in buttons or bool(_several(view))
    return Message(
        key=FINISH,
        text=clip(finish_text(view, NOTICE), 1_000),
        blocks=(
            header(f"{finish_title(view)} · {view.cluster}"),
            section([who, *finish_lines(view, MRKDWN, offered=offered)]),
            *_button_rows(view, buttons),
            context([people_line(view, MRKDWN)]),
        ),
        priority=Priority.URGENT,
        version=view.version,
        broadcast=True,
    )


def _button_rows(view: OperationView, buttons: tuple[str, ...]) -> list[BlockDict]:
    """Return the rows of buttons: those of each node first, where it is several that go on."""
    several = _several(view)
    rows = [
        actions(
            [
                node_button(view.id, name, each, which=f"{number}, {label(name, 20)}: ", named=True)
                for each in (MAINTAIN, RETURN)
            ]
        )
        for number, name in enumerate(several, start=1)
    ]
    return [*rows, actions([operation_button(view, each) for each in buttons])]


def _several(view: OperationView) -> list[str]:
    """Return the drained nodes that go on from here, where each can have buttons of its own."""
    if view.life is not None or view.options.whole_life:
        return []
    on = [n for n in view.nodes if n.status is NodeStatus.DRAINED and not n.cordoned_before]
    names = [n.name for n in on if n.name.isascii() and len(n.name) <= _LONGEST_NAME]
    return names if 1 < len(names) == len(on) <= _ROWS else []


def _finish_buttons(view: OperationView) -> tuple[str, ...]:
    """Return what the end offers: a drained node goes on from here, one at a time."""
    drained = [n for n in view.nodes if n.status is NodeStatus.DRAINED]
    out = view.life is None or view.life.mode == "drained"
    if len(drained) == 1 and drained[0].life is not None:  # it is in maintenance already
        return (RETURN, REPORT)
    if len(drained) == 1 and out and not drained[0].cordoned_before:
        return (MAINTAIN, RETURN, REPORT) if view.life is None else (RETURN, REPORT)
    return (REPORT,)


def is_return(view: OperationView) -> bool:
    """Whether the operation gave a node back: it got on without a plan, as no drain does."""
    return (
        view.plan is None
        and view.life is None
        and len(view.nodes) == 1
        and (view.state is OperationState.RUNNING or view.end is OperationEnd.DRAINED)
    )


def finish_title(view: OperationView) -> str:
    """Return the end in a few words: `2 of 2 drained`, `Aborted, 1 of 2 drained`."""
    if view.life is not None:
        return life_title(view, view.life)
    if is_return(view):
        return "Given back"
    drained = _counted(view, f"{len(view.nodes)} drained")
    return {
        OperationEnd.DRAINED: drained,
        OperationEnd.PARTLY: drained,
        OperationEnd.ABORTED: f"Aborted, {drained}",
        OperationEnd.STOPPED: f"Stopped, nobody answered, {drained}",
        OperationEnd.REFUSED: "Not done",
        OperationEnd.FAILED: f"Failed, {drained}",
        OperationEnd.PLANNED: "Planned, nothing was changed",
        None: "Ended",
    }[view.end]


def finish_text(view: OperationView, style: Style) -> str:
    """Return the end as one or two sentences."""
    cluster = style.text(view.cluster)
    if view.life is not None and view.end is not OperationEnd.REFUSED:
        return life_text(view, view.life, style)
    if view.end is OperationEnd.REFUSED:
        why = style.text(view.detail, 400) or "it was refused"
        return f"{cluster}: not done, nothing changed: {_ended_by_dot(why)}"
    if view.end is OperationEnd.PLANNED:
        nodes = node_list([n.name for n in view.nodes], style)
        moves = count(view.plan.evict if view.plan else 0, "pod")
        return f"{cluster}: the plan for {nodes} is there, {moves} would move; nothing was changed."
    if is_return(view):
        return f"{cluster}: {node_list([n.name for n in view.nodes], style)} takes pods again."
    took = duration(view.ended_at - view.created_at)
    nodes = count(len(view.nodes), "node")
    words = f"{cluster}: {_counted(view, f'{nodes} drained')} in {took}{longest_away(view)}"
    forced = _forced(view)
    if forced:
        words += f", {count(len(forced), 'pod')} forced"
    if view.end is OperationEnd.ABORTED:
        words += f"; aborted by {style.person(view.aborted_by)}" if view.aborted_by else "; aborted"
    elif view.end is OperationEnd.STOPPED:
        words += "; stopped because nobody answered"
    elif view.end is OperationEnd.FAILED:
        words += f"; it failed: {style.text(view.detail, 300) or 'no reason is known'}"
    words = _ended_by_dot(words)
    safe = [n for n in view.nodes if n.safe_to_power_off]
    if safe and len(safe) == len(view.nodes):
        return f"{words} Safe to power off."
    return (
        f"{words} Safe to power off: {node_list([n.name for n in safe], style)}." if safe else words
    )


def finish_lines(view: OperationView, style: Style, *, offered: bool = False) -> list[str]:
    """Return the facts of the end, the most wanted first.

    Where the way on is `offered` by buttons beside them, they don't say it.
    """
    if view.end is OperationEnd.PLANNED and view.plan is not None:
        made = f"Plan {style.text(view.plan.digest[:_DIGEST])}, as of {style.time(view.plan.as_of)}"
        return [*plan_lines(view, style, shown=_PLANNED), f"{made}. The time is an estimate."]
    if view.life is not None and view.end is not OperationEnd.REFUSED:
        return life_lines(view, view.life, style)
    if is_return(view):
        nodes = node_list([n.name for n in view.nodes], style)
        why = f" ({with_people(view.detail, style)})" if view.detail else ""
        return [f"{nodes} takes pods again{why}."]
    lines = []
    if view.detail and view.end in _EXPLAINED:
        lines.append(_ended_by_dot(style.text(view.detail, 600)))
    if view.end is OperationEnd.REFUSED:
        lines.append("Nothing was done.")
    if view.aborted_by:
        why = f": {style.text(view.aborted_reason, 300)}" if view.aborted_reason else ""
        lines.append(f"Aborted by {style.person(view.aborted_by)}{why}.")
    lines += [*back_lines(view, style), *_safe_lines(view, style), *_other_nodes(view, style)]
    lines += [] if offered else _way_back(view, style)
    if view.ended_at and view.created_at and view.end is not OperationEnd.REFUSED:
        took = duration(view.ended_at - view.created_at)
        waited = f", {duration(view.waited_for_people)} of it waiting for people"
        lines.append(f"Took {took}" + (waited if view.waited_for_people >= 60_000 else ""))  # noqa: PLR2004  a minute
    lines += [_forced_line(q, style) for q in view.questions if _is_force(q)][:_SHOWN]
    return lines


def _counted(view: OperationView, drained: str) -> str:
    """Return `1 of 2 drained`, or with `--then=wait` what is counted there."""
    more = ", maintained and returned" if view.options.whole_life else ""
    return f"{done_count(view)} of {drained}{more}"


def people_line(view: OperationView, style: Style) -> str:
    """Return `asked @ana · approved @bo · op 7F3K`."""
    parts = [f"asked {style.person(view.requester)}"]
    for kind, words in ((QuestionKind.START, "started"), (QuestionKind.APPROVAL, "approved")):
        by = tuple(
            dict.fromkeys(
                person
                for q in view.questions
                if q.kind is kind and q.settled and word(q.settled.choice) in _YES
                if not q.superseded_by  # what was said of another plan does not count
                for person in q.settled.by
            )
        )
        if by:
            parts.append(f"{words} {people(by, style)}")
    return " · ".join([*parts, f"op {short_id(view.id)}"])


def _safe_lines(view: OperationView, style: Style) -> list[str]:
    safe = [n.name for n in view.nodes if n.safe_to_power_off]
    unsure = [
        n.name for n in view.nodes if n.status is NodeStatus.DRAINED and not n.safe_to_power_off
    ]
    lines = []
    if safe:
        stay = {1: "It stays", 2: "Both stay"}.get(len(safe), "All stay")
        at = f", checked {style.time(view.ended_at)}" if view.ended_at else ""
        names = "empty" if len(safe) == len(view.nodes) else f"{node_list(safe, style)}, empty"
        if all(n.volumes_detached for n in view.nodes if n.safe_to_power_off):
            names += ", volumes detached"
        lines.append(f"{style.bold('Safe to power off')}: {names}{at}. {stay} cordoned.")
    lines += [_attached(node, style) for node in view.nodes if node.volumes][:_SHOWN]
    lines += [_unwell(node, style) for node in view.nodes if node.unwell][:_SHOWN]
    if unsure:
        lines.append(f"Drained, but not known to be safe to power off: {node_list(unsure, style)}.")
    return lines


def _attached(node: NodeView, style: Style) -> str:
    volumes = pod_names(node.volumes, style.text, limit=_SHOWN)
    return f"Still attached to {node_name(node.name, style)}: {volumes}."


def _unwell(node: NodeView, style: Style) -> str:
    workloads = pod_names(node.unwell, style.text, limit=_SHOWN)
    return f"Not as well as before the drain of {node_name(node.name, style)}: {workloads}."


def _other_nodes(view: OperationView, style: Style) -> list[str]:
    others = [n for n in view.nodes if n.status not in _DONE and n.started_at]
    lines = [_other_node(view, node, style) for node in others[:_SHOWN]]
    if len(others) > _SHOWN:
        lines.append(f"… and {count(len(others) - _SHOWN, 'more node')} not drained.")
    untouched = [n.name for n in view.nodes if n.status.final and not n.started_at]
    if untouched and view.end is not OperationEnd.REFUSED:
        rest = [n for n in untouched if n not in {o.name for o in others}]
        rest = [n.name for n in view.nodes if n.name in rest and n.status is not NodeStatus.DRAINED]
        if rest:
            lines.append(f"Not touched: {node_list(rest, style)}.")
    return lines


def _way_back(view: OperationView, style: Style) -> list[str]:
    kept = [
        n.name
        for n in view.nodes
        if n.status is not NodeStatus.RETURNED
        if n.status is NodeStatus.DRAINED or (n.started_at and n.evicted_any and n.cordon_kept)
    ]
    kept = [name for name in kept if not _was_cordoned(view, name)]
    if not kept:
        return []
    which = node_name(kept[0], style) if len(kept) == 1 else "NODE"
    drained = any(n.name in kept and n.status is NodeStatus.DRAINED for n in view.nodes)
    if not drained or view.options.whole_life:  # then its maintenance has begun
        return [f"/drain return {which} gives it back."]
    begins = f"Next: /drain maintenance {which} when work on it begins"
    return [f"{begins}, /drain return {which} when it is done."]


def _was_cordoned(view: OperationView, name: str) -> bool:
    return any(n.name == name and n.cordoned_before for n in view.nodes)


def _other_node(view: OperationView, node: NodeView, style: Style) -> str:
    words = f"{node_name(node.name, style)}: {node.status.value}"
    if node.detail:
        words += f", {detail_words(node, style)}"
    if node.status is NodeStatus.GONE:
        return f"{words}, as was expected." if view.options.expect_gone else f"{words}."
    if node.cordoned_before:
        return f"{words}; it was cordoned before, and still is."
    return f"{words}; {'it stays cordoned' if node.cordon_kept else 'it takes pods again'}."


def _forced(view: OperationView) -> tuple[str, ...]:
    return tuple(pod for node in view.nodes for pod in node.forced)


def _is_force(question: QuestionView) -> bool:
    return question.settled is not None and word(question.settled.choice) == "force"


def _forced_line(question: QuestionView, style: Style) -> str:
    settled = question.settled
    if settled is None:
        return ""
    pods = pod_names(map(str, question.pods), style.text, limit=_SHOWN)
    why = f': "{style.text(settled.note, 300)}"' if settled.note else ""
    by = listing([style.person(p) for p in settled.by], _SHOWN, last=" and ")
    return f"Forced: {pods} by {by}, {style.time(settled.at)}{why}"


def _ended_by_dot(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."
