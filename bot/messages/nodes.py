"""Nodes of an operation in words: names, bars, statuses, counts."""

from collections.abc import Iterable

from bot.messages.aftermath import after_words
from bot.messages.style import Style, with_people
from bot.messages.text import count, listing, pod_names
from bot.messages.times import duration
from jobs.models import NodeStatus, NodeView, OperationView

__all__ = [
    "MANY",
    "bar",
    "detail_words",
    "done_count",
    "node_line",
    "node_lines",
    "node_list",
    "node_name",
    "pods_gone",
    "pods_total",
    "status_words",
]

MANY = 12  # above this, only the nodes that need attention are shown by name
_CELLS = 10
_NAME = 63

_STATUS = {
    NodeStatus.WAITING: "waiting its turn",
    NodeStatus.CORDONING: "being cordoned",
    NodeStatus.DRAINING: "draining",
    NodeStatus.BLOCKED: "blocked",
    NodeStatus.DRAINED: "drained",
    NodeStatus.MAINTENANCE: "in maintenance",
    NodeStatus.FENCE_LOST: "its fence is lost",
    NodeStatus.RETURNING: "on its way back",
    NodeStatus.RETURNED: "back in service",
    NodeStatus.SKIPPED: "skipped",
    NodeStatus.ABORTED: "aborted",
    NodeStatus.STOPPED: "stopped",
    NodeStatus.FAILED: "failed",
    NodeStatus.GONE: "gone from the cluster",
}
_EMPTIED = frozenset(
    {
        NodeStatus.DRAINED,
        NodeStatus.MAINTENANCE,
        NodeStatus.FENCE_LOST,
        NodeStatus.RETURNING,
        NodeStatus.RETURNED,
    }
)
_ATTENTION = frozenset(
    {
        NodeStatus.BLOCKED,
        NodeStatus.MAINTENANCE,
        NodeStatus.FENCE_LOST,
        NodeStatus.RETURNING,
        NodeStatus.SKIPPED,
        NodeStatus.STOPPED,
        NodeStatus.FAILED,
        NodeStatus.GONE,
    }
)


def node_name(name: str, style: Style) -> str:
    """Return a node's name; of a long one the start and the end, which tell nodes apart."""
    short = name if len(name) <= _NAME else f"{name[:30]}…{name[-32:]}"
    return style.text(short, _NAME)


def node_list(names: Iterable[str], style: Style, limit: int = 4) -> str:
    """Name a few nodes, and count the rest."""
    wanted = tuple(names)
    shown = [node_name(name, style) for name in wanted[:limit]]
    return listing(shown, limit, last=" and ", of=len(wanted))


def bar(gone: int, total: int, *, done: bool = False) -> str:
    """Draw how far a node is; full only when it is done."""
    cells = _CELLS if done else min(_CELLS - 1, _CELLS * gone // total) if total > 0 else 0
    cells = max(cells, 0)
    return "█" * cells + "░" * (_CELLS - cells)


def pods_total(view: OperationView) -> int:
    """How many pods move, on all nodes."""
    return sum(node.pods_total for node in view.nodes)


def pods_gone(view: OperationView) -> int:
    """How many pods are gone, on all nodes."""
    return sum(node.pods_gone for node in view.nodes)


def done_count(view: OperationView) -> int:
    """How many nodes are drained, or gone where that was expected; or back, if they were to be."""
    done = {NodeStatus.RETURNED if view.options.whole_life else NodeStatus.DRAINED}
    done |= {NodeStatus.GONE} if view.options.expect_gone else set()
    return sum(node.status in done for node in view.nodes)


def status_words(node: NodeView, style: Style) -> str:
    """Say where a node stands: `blocked`, `draining, payments/db-2 is held back`."""
    words = [_STATUS[node.status]]
    if node.status is NodeStatus.DRAINING and node.waiting_for:
        pods = pod_names(node.waiting_for, style.text, limit=2, each=80)
        words.append(f"{pods} held back")
    elif node.status is NodeStatus.DRAINING and node.terminating:
        words.append(f"{count(node.terminating, 'pod')} stopping")
    if after := after_words(node, style):
        words.append(after)
    words += _life_words(node, style)
    ended = node.status.final and (node.status is not NodeStatus.DRAINED or node.life is not None)
    if node.detail and (ended or node.status is NodeStatus.DRAINING):
        words.append(detail_words(node, style))
    return ", ".join(words)


def _life_words(node: NodeView, style: Style) -> list[str]:
    """Say how it is tended after its drain: since when and until when, or for how long it was."""
    life = node.life
    if life is None:
        return []
    if node.status is NodeStatus.MAINTENANCE:
        until = [f"expected end {style.time(life.until, day=True)}"] if life.until else []
        return [f"since {style.time(life.since, day=True)}", *until] if life.since else until
    if node.status is NodeStatus.FENCE_LOST:
        return [style.text(life.evidence, 200)] if life.evidence else []
    away = node.status is NodeStatus.RETURNED and life.away
    return [f"was away {duration(life.away)}"] if away else []


def detail_words(node: NodeView, style: Style) -> str:
    """Say why a node ended as it did, without repeating how: `by @bo`, not `skipped by @bo`."""
    detail = node.detail.removeprefix(f"{node.status.value} ")
    return with_people(detail, style, 200).rstrip(".")


def node_line(node: NodeView, style: Style) -> str:
    """Return a node with its bar: `node-17 █████████░ 20/21 blocked`."""
    done = node.status in _EMPTIED
    drawn = bar(node.pods_gone, node.pods_total, done=done)
    # Nobody has counted the pods of a node whose turn has not come, or has just come.
    uncounted = not node.pods_total and not node.status.final
    pods = "" if uncounted else f"{node.pods_gone}/{node.pods_total} "
    return f"{node_name(node.name, style)} {drawn} {pods}{status_words(node, style)}"


def node_lines(view: OperationView, style: Style) -> list[str]:
    """Return a line for each node; above :data:`MANY`, counts and those that need attention."""
    if len(view.nodes) <= MANY:
        return [node_line(node, style) for node in view.nodes]
    lines = [_counts(view)]
    needy = [node for node in view.nodes if node.status in _ATTENTION or node.waiting_for]
    lines += [node_line(node, style) for node in needy[:MANY]]
    if len(needy) > MANY:
        lines.append(f"… and {count(len(needy) - MANY, 'more node')} to look at")
    return lines


def _counts(view: OperationView) -> str:
    numbers: dict[NodeStatus, int] = {}
    for node in view.nodes:
        numbers[node.status] = numbers.get(node.status, 0) + 1
    return " · ".join(
        f"{numbers[status]} {words}" for status, words in _STATUS.items() if status in numbers
    )
