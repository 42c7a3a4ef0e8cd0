"""A question of several nodes that one cause keeps waiting: which they are, and what keeps them."""

from bot.messages.nodes import node_list, node_name
from bot.messages.style import Style
from bot.messages.text import count, pod_names
from jobs.models import QuestionView

__all__ = ["of_each", "on_nodes", "what_cannot_move"]

_NODES = 8  # that are told of each; the rest are counted
_PODS = 3  # that each of them names


def on_nodes(question: QuestionView, style: Style) -> str:
    """Return ` on node-17 and node-18`, or nothing where it is about the whole operation."""
    return f" on {node_list(question.nodes, style)}" if question.nodes else ""


def what_cannot_move(question: QuestionView) -> str:
    """Name what is blocked, in few words: a pod, or the workload of all of them, or how many."""
    pods = question.pods
    if len(pods) == 1:
        return str(pods[0])
    owners = {(b.owner.namespace, b.owner.name) if b.owner else None for b in question.blocks}
    if question.by_node and len(owners) == 1 and (owner := owners.pop()) is not None:
        return "/".join(owner)
    return count(len(pods), "pod")


def of_each(question: QuestionView, style: Style) -> list[str]:
    """Say of each node which of its pods can't move, and how many are left on it."""
    lines = [
        f"{node_name(each.node, style)}: "
        f"{pod_names(map(str, each.pods), style.text, limit=_PODS)} · "
        f"{each.pods_left} of {count(each.pods_total, 'pod')} left"
        for each in question.by_node[:_NODES]
    ]
    more = question.by_node[_NODES:]
    if more:
        pods = count(sum(len(each.pods) for each in more), "pod")
        lines.append(f"… and {pods} on {count(len(more), 'more node')}.")
    return lines
