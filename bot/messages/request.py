"""A request and its plan: what would happen, before anything does."""

from collections.abc import Iterable

from bot.messages.nodes import node_list
from bot.messages.obstacles import budget_short, reason_words
from bot.messages.style import Style
from bot.messages.text import count, listing, pod_names
from jobs.models import (
    DrainOptions,
    NodePlan,
    OperationPlan,
    OperationView,
    RefusalReason,
)

__all__ = ["asked_line", "flag_words", "plan_lines", "request_title"]

_SHOWN = 3


def request_title(view: OperationView) -> str:
    """Return `Drain node-17 · prod-eu`, or `Drain 2 nodes · prod-eu`.

    Before there is a plan it may still be the return of a node, so the verb is left out.
    """
    what = view.nodes[0].name if len(view.nodes) == 1 else count(len(view.nodes), "node")
    return f"{'Drain ' if view.plan else ''}{what} · {view.cluster}"


def asked_line(view: OperationView, style: Style) -> str:
    """Say who asked, and why."""
    who = style.person(view.requester)
    return f"{who}: {style.text(view.reason, 500)}" if view.reason else f"{who} asked"


def flag_words(options: DrainOptions) -> list[str]:
    """Return the options that bypass something, as kubectl spells them: people must see them."""
    flags = [
        ("--force", options.force),
        ("--delete-emptydir-data", options.delete_emptydir_data),
        ("--disable-eviction", options.disable_eviction),
        ("--ignore-daemonsets=false", not options.ignore_daemonsets),
    ]
    words = [flag for flag, on in flags if on]
    if options.grace_period >= 0:
        words.append(f"--grace-period={options.grace_period}")
    return words


def plan_lines(view: OperationView, style: Style) -> list[str]:
    """Say what the plan does: pods that move, what will block, what is lost, what stays."""
    names = [node.name for node in view.nodes]
    plan = view.plan
    if plan is None:
        return [node_list(names, style)]
    lines = [f"{node_list(names, style)} · {_moves(plan)}"]
    lines += _obstacle_lines(plan, style)
    lines += _loss_lines(plan, style)
    lines += _node_notes(plan.nodes, style)
    flags = flag_words(view.options)
    if view.options.pod_selector:
        flags.append(f"--pod-selector={style.text(view.options.pod_selector, 200)}")
    if flags:
        lines.append(f"Options: {', '.join(flags)}")
    left = sum(node.daemonset for node in plan.nodes)
    if left:
        lines.append(f"Left running: {count(left, 'DaemonSet pod')}")
    return lines


def _moves(plan: OperationPlan) -> str:
    return f"{count(plan.evict, 'pod')} {'moves' if plan.evict == 1 else 'move'}"


def _obstacle_lines(plan: OperationPlan, style: Style) -> list[str]:
    lines = []
    blocks = [block for node in plan.nodes for block in node.blocks]
    if blocks:
        shown = [
            f"{style.text(str(block.pod), 160)} ({budget_short(block.budget, style)}"
            f"{', never as things stand' if block.never else ''})"
            for block in blocks[:_SHOWN]
        ]
        lines.append(f"Will block: {listing(shown, _SHOWN, of=len(blocks))}")
    reasons: dict[RefusalReason, list[str]] = {}
    for node in plan.nodes:
        for refusal in node.refusals:
            for reason in refusal.reasons[:1]:
                reasons.setdefault(reason, []).append(str(refusal.pod))
    for reason, pods in reasons.items():
        shown_pods = pod_names(pods, style.text, limit=_SHOWN)
        lines.append(f"Will ask about {shown_pods}: {reason_words(reason)}")
    return lines


def _loss_lines(plan: OperationPlan, style: Style) -> list[str]:
    lost = [pod for node in plan.nodes for pod in node.data_lost]
    single = [pod for node in plan.nodes for pod in node.single_replicas]
    lines = []
    if lost:
        lines.append(f"Data lost: emptyDir of {pod_names(lost, style.text, limit=_SHOWN)}")
    if single:
        shown = pod_names(single, style.text, limit=_SHOWN)
        lines.append(f"Down while it moves: {shown} (1 replica)")
    return lines


def _node_notes(nodes: Iterable[NodePlan], style: Style) -> list[str]:
    plans = tuple(nodes)
    notes = [
        ("Cordoned already", [n.name for n in plans if n.cordoned_before]),
        ("Not Ready", [n.name for n in plans if not n.ready]),
    ]
    lines = [f"{words}: {node_list(names, style)}" for words, names in notes if names]
    taken = [n for n in plans if n.taken_by]
    lines += [
        f"{node_list([n.name], style)} is taken by {style.text(n.taken_by, 120)}"
        for n in taken[:_SHOWN]
    ]
    return lines
