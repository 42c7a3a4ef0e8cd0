"""Drains with `--then=wait`: each node is kept out until its maintenance is done, then returned."""

from collections.abc import Sequence

from bot.messages.nodes import node_list, node_name
from bot.messages.style import Style, with_people
from bot.messages.text import count
from bot.messages.times import duration
from jobs.models import NodeStatus, NodeView, OperationView, QuestionKind, QuestionView

__all__ = [
    "back_lines",
    "going_words",
    "is_part",
    "longest_away",
    "part_effects",
    "plan_lines_of_life",
    "said_on",
    "stays_out",
]

_WAY_BACK = {
    NodeStatus.MAINTENANCE: "In maintenance",
    NodeStatus.RETURNING: "Returning to service",
    NodeStatus.FENCE_LOST: "Fence lost",
}
_BUSY = frozenset({NodeStatus.CORDONING, NodeStatus.DRAINING, NodeStatus.BLOCKED})
_OUT = frozenset({NodeStatus.MAINTENANCE, NodeStatus.RETURNING, NodeStatus.FENCE_LOST})


def is_part(question: QuestionView) -> bool:
    """Whether an operation waits for the answer before it goes on with its other nodes."""
    return question.kind is QuestionKind.MAINTENANCE and "keep_out" in question.choices


def said_on(words: str) -> str:
    """Return a question as it is said behind a colon."""
    return words.replace("Is the maintenance", "is the maintenance", 1)


def plan_lines_of_life(view: OperationView) -> list[str]:
    """Say what becomes of each node after its drain, and how many are away at once."""
    options, nodes = view.options, len(view.nodes)
    if not options.whole_life:
        return []
    each = "Each is" if nodes > 1 else "It is"
    until = "until somebody says that its maintenance is done"
    expected = f", expected to take {duration(options.expected * 1000)}" if options.expected else ""
    at_once = min(view.requirements.nodes_away, nodes)
    away = f"; {at_once} at a time" if nodes > 1 else ""
    return [f"{each} out of service {until}{expected}{away}"]


def going_words(view: OperationView) -> str:
    """Say in one or two words what nodes are at, "" where none is beyond its drain."""
    if not view.options.whole_life or any(node.status in _BUSY for node in view.nodes):
        return ""
    if any(question.kind is not QuestionKind.MAINTENANCE for question in view.open_questions):
        return ""
    found = (words for status, words in _WAY_BACK.items() if _any(view.nodes, status))
    return next(found, "")


def _any(nodes: Sequence[NodeView], status: NodeStatus) -> bool:
    return any(node.status is status for node in nodes)


def longest_away(view: OperationView) -> str:
    """Return for how long nodes were out of service: `; the longest was away 42 min`; or ""."""
    away = [node.life.away for node in view.nodes if node.life is not None and node.life.away]
    if not away:
        return ""
    return f"; {'it' if len(view.nodes) == 1 else 'the longest'} was away {duration(max(away))}"


def back_lines(view: OperationView, style: Style) -> list[str]:
    """Say which nodes are back in service, and for how long they were away."""
    if not view.options.whole_life:
        return []
    back = [node for node in view.nodes if node.status is NodeStatus.RETURNED]
    kept = [node.name for node in back if node.cordon_kept]
    lines = []
    if back:
        names = node_list([node.name for node in back], style)
        lines.append(f"Back in service: {names}{longest_away(view)}.")
    if kept:
        lines.append(f"Cordoned before its drain, and still: {node_list(kept, style)}.")
    lines += [
        f"{node_name(node.name, style)} is still out of service: {_why(node, style)}."
        for node in view.nodes
        if node.status is NodeStatus.DRAINED and node.detail
    ]
    return lines


def _why(node: NodeView, style: Style) -> str:
    return with_people(node.detail, style, 200).rstrip(".")


def stays_out(view: OperationView) -> list[str]:
    """Return the nodes that stay out of service, cordoned, if the operation is aborted now."""
    return [node.name for node in view.nodes if node.status in _OUT]


def part_effects(view: OperationView, question: QuestionView) -> list[str]:
    """Say what the choices do that an operation waits for."""
    if question.kind is QuestionKind.UNWELL:
        node = next((each for each in view.nodes if each.name == question.node), None)
        if node is not None and node.status is NodeStatus.RETURNED:
            return [
                "The node is back in service, whatever you choose.",
                "Go on takes the workloads as they are. Abort begins no other node.",
            ]
    if not is_part(question):
        return []
    left = sum(node.status is NodeStatus.WAITING for node in view.nodes)
    then = f"; {count(left, 'other node')} can follow" if left else ""
    back = f"When the work is done, it takes pods again once it is Ready and has what it had{then}."
    return [
        back,
        "Leave it out keeps it in maintenance: the operation goes on without it.",
        "Abort leaves it in maintenance, and begins no other node.",
    ]
