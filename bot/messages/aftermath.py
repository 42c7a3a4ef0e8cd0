"""What is not over when a node is empty: volumes still attached, workloads not well again."""

from collections.abc import Sequence

from bot.messages.obstacles import not_ready_lines
from bot.messages.style import Style
from bot.messages.text import count, pod_names
from jobs.models import NodeView, QuestionKind, QuestionView, Unwell

__all__ = ["after_effects", "after_words", "unwell_lines", "volume_lines"]

_WORKLOADS = 5  # told in full; the rest are counted


def volume_lines(volumes: Sequence[str], style: Style) -> list[str]:
    """Say which volumes are still attached."""
    if not volumes:
        return []
    names = pod_names(volumes, style.text, limit=8)
    return [f"Still attached: {style.bold(names)}."]


def unwell_lines(unwell: Sequence[Unwell], style: Style) -> list[str]:
    """Say of each workload how far it is from how it was, and what it waits for."""
    lines = []
    for each in unwell[:_WORKLOADS]:
        lines.append(_counts(each, style))
        lines += not_ready_lines(each.pods, style)
        if each.why:
            lines.append(f"It can't make pods: {style.text(each.why, 300)}")
    if len(unwell) > _WORKLOADS:
        lines.append(f"… and {count(len(unwell) - _WORKLOADS, 'more workload')}.")
    return lines


def _counts(unwell: Unwell, style: Style) -> str:
    owner = unwell.owner
    name = style.bold(style.text(f"{owner.namespace}/{owner.name}", 320))
    ready = max(owner.ready, 0)
    wanted = f" of the {owner.replicas} wanted" if owner.replicas >= 0 else ""
    before = f"{unwell.ready_before} were before its drain"
    return f"{name} ({style.text(owner.kind, 60)}): {ready}{wanted} ready, {before}."


def after_effects(question: QuestionView) -> list[str]:
    """Say what the choices do where pods are not what stands in the way."""
    if question.kind is QuestionKind.VOLUMES:
        return [
            "Go on calls it drained though they are attached: who powers it off may lose data.",
            "Skip leaves it cordoned, and not drained.",
        ]
    if question.kind is QuestionKind.UNWELL:
        return [
            "The node is drained, whatever you choose.",
            "Go on takes the workloads as they are. Abort begins no other node.",
        ]
    if question.kind is QuestionKind.OWN:
        return [
            "Where it is the worker, start one on another node: the drain then goes on by itself.",
            "Retry looks again. Go on drains it now, with what that means.",
            "Skip leaves the node as it is.",
        ]
    if question.kind is QuestionKind.FREED:
        return ["Retry goes on with the drain."]
    return []


def after_words(node: NodeView, style: Style) -> str:
    """Say what a node still waits for, "" for nothing."""
    if node.unwell and not node.ended_at:
        words = pod_names(node.unwell, style.text, limit=2)
        return f"its workloads are not well again yet: {words}"
    if node.volumes and not node.status.final:
        return f"{count(len(node.volumes), 'volume')} still attached"
    return ""
