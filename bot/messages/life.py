"""A node that is out of service, tended by an operation of its own: how it stands, in words."""

from bot.messages.nodes import node_name
from bot.messages.style import Style, with_people
from bot.messages.times import duration
from bot.messages.whole_life import is_part
from jobs.models import (
    NodeLife,
    NodeStatus,
    OperationEnd,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionView,
)

__all__ = ["life_effects", "life_lines", "life_question", "life_text", "life_title"]

_RUNNING = {
    "maintenance": "In maintenance",
    "returning": "Returning to service",
    "return": "Returning to service",
    "fence_lost": "Fence lost",
    "draining": "Draining again",
}
_ENDED = {"accepting": "Back in service", "drained": "Still out of service"}
_UNDONE = {
    OperationEnd.REFUSED: "Not done",
    OperationEnd.FAILED: "Failed",
    OperationEnd.ABORTED: "Aborted",
    OperationEnd.STOPPED: "Stopped, nobody answered",
}


def life_title(view: OperationView, life: NodeLife) -> str:
    """Return in a few words how the node stands."""
    if view.state is not OperationState.ENDED:
        return _RUNNING.get(life.mode, "Out of service")
    if _is_gone(view):
        return "Gone from the cluster"
    undone = _UNDONE.get(view.end) if view.end else None
    if undone and life.mode == "fence_lost":
        return f"Fence lost; {undone[:1].lower()}{undone[1:]}"
    return undone or _ENDED.get(life.mode, "Ended")


def life_text(view: OperationView, life: NodeLife, style: Style) -> str:
    """Return how the node stands as one sentence, for a notification."""
    node, cluster = _node(view, style), style.text(view.cluster)
    if view.state is OperationState.ENDED:
        if life.mode == "accepting":
            away = f", after {duration(life.away)}" if life.away else ""
            return f"{cluster}: {node} is back in service{away}."
        why = f": {with_people(view.detail, style)}" if view.detail else ""
        return f"{life_title(view, life)}: {node} in {cluster}{why}."
    evidence = f": {style.text(life.evidence)}" if life.mode == "fence_lost" else ""
    return f"{life_title(view, life)}: {node} in {cluster}{evidence}."


def life_lines(view: OperationView, life: NodeLife, style: Style) -> list[str]:
    """Return the facts: since when and until when, by what evidence, what became of it."""
    node = _node(view, style)
    if view.state is OperationState.ENDED:
        return _ended(view, life, node, style)
    match life.mode:
        case "maintenance":
            since = f" since {style.time(life.since, day=True)}" if life.since else ""
            end = f"; expected end {style.time(life.until, day=True)}" if life.until else ""
            late = any(question.reminded for question in view.open_questions)
            more = style.bold("It is past its expected end.") if late else "It stays cordoned."
            return [f"{node} is in maintenance{since}{end}. {more}"]
        case "fence_lost":
            return [_lost(node, life, style)]
        case "draining":
            return [f"{node} is being drained again."]
    return [f"{node} is given back as soon as it is what it was before its drain."]


def _ended(view: OperationView, life: NodeLife, node: str, style: Style) -> list[str]:
    detail = with_people(view.detail, style) if view.detail else ""
    why = f" ({detail})" if detail else ""
    if life.mode == "accepting":
        away = f" It was out of service for {duration(life.away)}." if life.away else ""
        return [f"{node} is back in service{why}.{away}"]
    if _is_gone(view):
        said = f"{detail}. " if detail else ""
        return [f"{node} is gone: {said}drainbot has let go of it, and touches no other node."]
    if life.mode == "fence_lost" and view.end is not OperationEnd.DRAINED:
        return [_lost(node, life, style)]
    if view.end is OperationEnd.DRAINED:
        return [f"{node} stays out of service{why}. {_way_on(node)}"]
    return [f"{detail}." if detail else "Nothing more is done.", _way_on(node)]


def _is_gone(view: OperationView) -> bool:
    """Whether the node left the cluster, or was made anew: there is nothing to decide about it."""
    return any(node.status is NodeStatus.GONE for node in view.nodes)


def _lost(node: str, life: NodeLife, style: Style) -> str:
    return f"The fence of {node} is lost: {style.bold(style.text(life.evidence, 400))}."


def _way_on(node: str) -> str:
    return f"/drain return {node} gives it back."


def life_question(question: QuestionView) -> tuple[str, str]:
    """Return the title and the sentence of a question about such a node, or twice ""."""
    node = question.node
    if is_part(question):
        return f"Is the maintenance of {node} done?", "its maintenance is under way"
    return {
        QuestionKind.MAINTENANCE: (f"{node} is in maintenance", "its maintenance is under way"),
        QuestionKind.NOT_BACK: (
            f"Decide: {node} is not what it was",
            "it is to be given back, and is not what it was before its drain",
        ),
        QuestionKind.FENCE_LOST: (
            f"Decide: the fence of {node} is lost",
            "it should be fenced and empty, and is not",
        ),
    }.get(question.kind, ("", ""))


def life_effects(question: QuestionView) -> list[str]:
    """Say what the choices about such a node do."""
    if question.kind is QuestionKind.MAINTENANCE:
        return ["When the work is done, it takes pods again once it is Ready and has what it had."]
    if question.kind is QuestionKind.NOT_BACK:
        return [
            "Retry waits for it again. Go on gives it back as it is.",
            "Back to maintenance leaves it cordoned.",
        ]
    if question.kind is QuestionKind.FENCE_LOST:
        return [
            "Nothing was done about it. Drain again cordons it and moves what landed on it.",
            "Declare valid counts it as drained with the pods that are on it now: cordon it first.",
            "Give back lets it take pods again.",
        ]
    return []


def _node(view: OperationView, style: Style) -> str:
    return node_name(view.nodes[0].name, style) if view.nodes else "the node"
