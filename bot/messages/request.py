"""A request and its plan: what would happen, before anything does."""

import math
from collections.abc import Iterable

from bot.messages.nodes import node_list
from bot.messages.obstacles import budget_short, reason_words
from bot.messages.style import Style
from bot.messages.text import count, listing, pod_names
from bot.messages.times import duration
from bot.messages.whole_life import plan_lines_of_life
from jobs.models import (
    BudgetFacts,
    DrainOptions,
    NodePlan,
    OperationPlan,
    OperationView,
    QuestionKind,
    Refusal,
    RefusalReason,
    Room,
)

__all__ = [
    "asked_line",
    "flag_words",
    "plan_lines",
    "request_title",
    "room_words",
    "time_words",
]

_SHOWN = 3
_LIMITS = 5  # of the policy's that are named; a large request may break one for each of its nodes
_MINUTE, _HOUR = 60, 3600
_MANY_MINUTES = 90 * _MINUTE  # from here on, hours say it better
_GIB, _MIB = 2**30, 2**20


def request_title(view: OperationView) -> str:
    """Return `Drain node-17 · prod-eu`, or `Drain 2 nodes · prod-eu`.

    Before there is a plan it may still be the return of a node, so the verb is left out.
    """
    what = view.nodes[0].name if len(view.nodes) == 1 else count(len(view.nodes), "node")
    verb = "Plan of " if view.plan_only else "Drain " if view.plan else ""
    return f"{verb}{what} · {view.cluster}"


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


def plan_lines(view: OperationView, style: Style, *, shown: int = _SHOWN) -> list[str]:
    """Say what the plan does: pods that move, what will block, what is lost, what stays.

    Of each kind of thing at most `shown` are named, and the rest is counted.
    """
    names = [node.name for node in view.nodes]
    plan = view.plan
    if plan is None:
        return [node_list(names, style)]
    lines = [f"{node_list(names, style, max(shown, 4))} · {_moves(plan, style)}"]
    lines += _limits(plan, style)
    lines += [*_order_lines(view), *plan_lines_of_life(view)]
    lines += _block_lines(plan, style, shown)
    lines += _refusal_lines(view, plan, style, shown)
    lines += _loss_lines(plan, style, shown)
    lines += _node_notes(plan.nodes, style, shown)
    if plan.room and plan.room.unchecked:
        pods = count(plan.room.unchecked, "pod")
        lines.append(f"Not looked at: volumes, affinity, storage and ports of {pods}")
    flags = flag_words(view.options)
    if view.options.pod_selector:
        flags.append(f"--pod-selector={style.text(view.options.pod_selector, 200)}")
    if flags:
        lines.append(f"Options: {', '.join(flags)}")
    return [*lines, *_left(plan)]


def room_words(room: Room, style: Style) -> str:
    """Say whether the pods that move fit on the other nodes: `short of 2.5 cores …`."""
    if room.fits:
        by = ", by requests alone" if room.unchecked else ""
        return f"fits on the other nodes{by}"
    if room.fits is None:
        why = f" ({style.text(room.why, 120)})" if room.why else ""
        return f"room on the other nodes not known{why}"
    short = [
        words
        for amount, words in (
            (room.short_cpu, _cores(room.short_cpu)),
            (room.short_memory, _bytes(room.short_memory)),
            (room.short_pods, f"places for {count(room.short_pods, 'pod')}"),
        )
        if amount > 0
    ]
    parts = [f"short of {listing(short, 3, last=' and ')} on the other nodes"] if short else []
    if room.too_large:
        pods = pod_names(room.too_large, style.text, limit=_SHOWN, each=80)
        parts.append(f"no other node has room for {pods}")
    return ", ".join(parts) or "does not fit on the other nodes"


def time_words(seconds: int) -> str:
    """Say an estimate: `about 6 min`; "" for one that is not known."""
    if seconds < 0:
        return ""
    if seconds < _MINUTE:
        return "under 1 min"
    if seconds < _MANY_MINUTES:
        return f"about {round(seconds / _MINUTE)} min"
    return f"about {seconds / _HOUR:.1f} h".replace(".0 h", " h")


def _cores(thousandths: int) -> str:
    # Rounded up: whoever adds what is said to be short must not be short of a little again.
    cores = math.ceil(thousandths / 100) / 10
    return f"{cores:g} core{'' if cores == 1 else 's'}"


def _bytes(number: int) -> str:
    unit, name = (_GIB, "GiB") if number >= _GIB else (_MIB, "MiB")
    return f"{math.ceil(number * 10 / unit) / 10:g} {name}"


def _moves(plan: OperationPlan, style: Style) -> str:
    parts = [f"{count(plan.evict, 'pod')} {'moves' if plan.evict == 1 else 'move'}"]
    if plan.evict:
        parts.append(time_words(plan.seconds))
        parts.append(room_words(plan.room, style) if plan.room else "")
    return " · ".join(part for part in parts if part)


def _limits(plan: OperationPlan, style: Style) -> list[str]:
    """Say what keeps it from beginning, whatever people say."""
    over = [style.text(said.rstrip("."), 400) for said in plan.over]
    lines = (
        over if len(over) <= _LIMITS else [*over[:_LIMITS], f"{len(over) - _LIMITS} limits more"]
    )
    lines += [style.text(node.refused, 300) for node in plan.nodes if node.refused]
    if plan.too_many_away:
        away = "1 node is" if plan.away == 1 else f"{plan.away} nodes are"
        lines.append(
            f"Too many nodes: {away} away already, and the worker's guardrails allow "
            f"{plan.max_away}"
        )
    return [f"{style.bold('Would be refused')}: {line}" for line in lines]


def _order_lines(view: OperationView) -> list[str]:
    """Say which nodes go first, and when no other one begins."""
    options, lines = view.options, []
    if 0 < options.canary < len(view.nodes):
        first = count(options.canary, "node")
        then = f" {duration(options.soak * 1000)} later" if options.soak else " after that"
        lines.append(f"First {first} alone, the others{then} if all is well")
    if options.max_failures >= 0 and len(view.nodes) > 1:
        after = f"more than {count(options.max_failures, 'failure')}"
        lines.append(f"No other node begins after {after if options.max_failures else 'a failure'}")
    return lines


def _block_lines(plan: OperationPlan, style: Style, shown: int) -> list[str]:
    blocks: dict[tuple[BudgetFacts, bool], list[str]] = {}
    for node in plan.nodes:
        for block in node.blocks:
            blocks.setdefault((block.budget, block.never), []).append(str(block.pod))
    if not blocks:
        return []
    said = [
        f"{pod_names(pods, style.text, limit=2, each=160)} ({budget_short(budget, style)}"
        f"{', never as things stand' if never else ''})"
        for (budget, never), pods in list(blocks.items())[:shown]
    ]
    more = len(blocks) - len(said)
    return [f"Will block: {'; '.join(said)}{f' and by {more} more' if more else ''}"]


def _refusal_lines(view: OperationView, plan: OperationPlan, style: Style, shown: int) -> list[str]:
    """Say which pods are refused and why: asked about later, or let go by whoever said Start."""
    let_go = _let_go(view)
    kinds: dict[tuple[bool, tuple[RefusalReason, ...]], list[Refusal]] = {}
    for node in plan.nodes:
        for refusal in node.refusals:
            kinds.setdefault((refusal.pod.uid in let_go, refusal.reasons), []).append(refusal)
    lines = []
    for (anyway, reasons), refusals in kinds.items():
        pods = pod_names((str(each.pod) for each in refusals), style.text, limit=shown)
        why = "; ".join(map(reason_words, reasons))
        said = f"Evicted anyway: {pods}, though" if anyway else f"Will ask about {pods}:"
        lines.append(f"{said} {why}")
    return lines


def _let_go(view: OperationView) -> frozenset[str]:
    return frozenset(
        pod.uid
        for question in view.questions
        if question.kind is QuestionKind.START
        and question.settled is not None
        and question.settled.choice == "evict_anyway"
        for pod in question.pods
    )


def _left(plan: OperationPlan) -> list[str]:
    kinds = (
        (sum(node.daemonset for node in plan.nodes), "DaemonSet pod"),
        (sum(node.static for node in plan.nodes), "static pod"),
        (sum(node.not_selected for node in plan.nodes), "pod outside the selector"),
    )
    plurals = {"pod outside the selector": "pods outside the selector"}
    left = [count(number, noun, plurals.get(noun, "")) for number, noun in kinds if number]
    lines = [f"Left running: {', '.join(left)}"] if left else []
    ending = sum(node.terminating for node in plan.nodes)
    return [*lines, f"Waited for: {count(ending, 'pod')} stopping already"] if ending else lines


def _loss_lines(plan: OperationPlan, style: Style, shown: int) -> list[str]:
    lost = [pod for node in plan.nodes for pod in node.data_lost]
    single = [pod for node in plan.nodes for pod in node.single_replicas]
    lines = []
    if lost:
        lines.append(f"Data lost: emptyDir of {pod_names(lost, style.text, limit=shown)}")
    if single:
        pods = pod_names(single, style.text, limit=shown)
        lines.append(f"Down while it moves: {pods} (1 replica)")
    return lines


def _own_words(own: Iterable[str]) -> str:
    words = {
        "worker": "the only worker that would be left", "redis": "its Redis", "bot": "the last bot",
    }  # fmt: skip
    return listing([words[part] for part in own if part in words], 3, last=" and ")


def _node_notes(nodes: Iterable[NodePlan], style: Style, shown: int) -> list[str]:
    plans = tuple(nodes)
    notes = [
        ("Cordoned already", [n.name for n in plans if n.cordoned_before]),
        ("Not Ready", [n.name for n in plans if not n.ready]),
    ]
    lines = [f"{words}: {node_list(names, style)}" for words, names in notes if names]
    lines += [
        f"drainbot itself on {node_list([n.name], style)}: {_own_words(n.own)}; asked at its turn"
        for n in [n for n in plans if n.own][:shown]
    ]
    taken = [n for n in plans if n.taken_by]
    lines += [
        f"{node_list([n.name], style)} is taken by {style.text(n.taken_by, 120)}"
        for n in taken[:shown]
    ]
    return lines
