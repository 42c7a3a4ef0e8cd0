"""The home tab: what runs, what waits for the person who looks, and what happened lately.

It is no channel of an operation, so pods are counted there and never named; the dialogs that its
buttons open name them to the one who decides. https://docs.slack.dev/surfaces/app-home
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.messages.blocks import actions, button, context, header, section
from bot.messages.buttons import (
    DETAILS,
    MAINTAIN,
    RETURN,
    decision_buttons,
    is_request,
    node_button,
    operation_button,
)
from bot.messages.message import BlockDict
from bot.messages.nodes import node_list, node_name
from bot.messages.progress import progress_counts, state_words
from bot.messages.question import question_text, question_title
from bot.messages.several import on_nodes
from bot.messages.style import MRKDWN
from bot.messages.text import count, label, short_id
from jobs.models import (
    Freeze,
    OperationState,
    OperationView,
    QuestionKind,
    QuestionView,
    Verdict,
)

__all__ = [
    "HOME",
    "REFRESH",
    "Ask",
    "HomeState",
    "HomeTab",
    "KeptNode",
    "closed_home",
    "counted_question",
    "home_tab",
]

HOME = "drainbot_home"
REFRESH = "home:refresh"

_ASKS, _RUNNING, _OVERDUE, _KEPT, _LATELY, _FREEZES = 12, 15, 10, 10, 10, 5
_LONGEST_NAME = 253  # of a node: what is longer is none, and no button carries it
_SHOWN = 3  # nodes of an operation by name
_REASON = 200


@dataclass(frozen=True)
class Ask:
    """An open question that the person may settle, with the choices that are theirs."""

    view: OperationView
    question: QuestionView
    choices: tuple[str, ...]


@dataclass(frozen=True)
class KeptNode:
    """A node that an ended operation left cordoned; `since` in ms."""

    cluster: str
    node: str
    mode: str
    operation: str = ""
    since: int = 0


@dataclass(frozen=True)
class HomeState:
    """All that a home tab shows to one person.

    `links` are addresses by id of an operation or a question; `told` is what that person is told
    alone; `silent` are clusters of which no worker is alive.
    """

    clusters: tuple[str, ...]
    asks: Sequence[Ask] = ()
    running: Sequence[OperationView] = ()
    ended: Sequence[OperationView] = ()
    kept: Sequence[KeptNode] = ()
    freezes: Sequence[Freeze] = ()
    silent: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    told: str = ""


@dataclass(frozen=True)
class HomeTab:
    """A home tab as Slack takes it. Equal digests say the same, but for their "as of"."""

    view: BlockDict
    digest: str


def home_tab(state: HomeState, now_ms: int) -> HomeTab:
    """Return the home tab of one person. Pure; `now_ms` is in ms since the epoch."""
    blocks = [header("drainbot"), _refresh()]
    if state.told:
        blocks.append(section([MRKDWN.bold("To you:"), state.told]))
    blocks += [section([_silent_words(state)])] if state.silent else []
    blocks += [section(_freeze_lines(state))] if state.freezes else []
    blocks += _asks(state)
    overdue = _overdue_lines(state)
    blocks += [header("Overdue"), section(overdue)] if overdue else []
    blocks += [header("Still cordoned"), *_kept(state)] if state.kept else []
    blocks += _running(state, now_ms)
    blocks += [header("Lately"), section(_lately_lines(state))]
    return _tab([*blocks, context([_HOW_TO_ASK])], now_ms)


def closed_home(why: str, now_ms: int) -> HomeTab:
    """Return the home tab of somebody who may see nothing; `why` is a sentence, safe already."""
    return _tab(
        [header("drainbot"), section([f"There is nothing to see for you here. {why}"])], now_ms
    )


_HOW_TO_ASK = "Ask with /drain NODE in a channel of the policy; /drain help says more"


def _tab(blocks: list[BlockDict], now_ms: int) -> HomeTab:
    said = json.dumps(blocks, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:24]
    as_of = f"as of {MRKDWN.time(now_ms, seconds=True)}, kept up to date while you look"
    first, *rest = blocks
    shown = [first, context([as_of]), *rest]
    return HomeTab({"type": "home", "callback_id": HOME, "blocks": shown}, digest)


def _refresh() -> BlockDict:
    return actions([button("Refresh", REFRESH, "now", reads="Refresh: bring this page up to date")])


def _freeze_lines(state: HomeState) -> list[str]:
    lines = []
    for freeze in state.freezes[:_FREEZES]:
        by = f" by {MRKDWN.person(freeze.by)}"
        since = f" since {MRKDWN.time(freeze.at)}"
        why = f": {MRKDWN.text(freeze.reason, _REASON)}" if freeze.reason else ""
        frozen = MRKDWN.bold(f"{MRKDWN.text(freeze.cluster)} is frozen")
        lines.append(f"{frozen}{by}{since}{why}. Nothing is evicted there until it is thawed.")
    return [*lines, *_more(len(state.freezes) - _FREEZES, "frozen cluster")]


def _asks(state: HomeState) -> list[BlockDict]:
    blocks = [header("Waits for you")]
    if not state.asks:
        return [*blocks, section(["Nothing waits for a decision of yours."])]
    for number, ask in enumerate(state.asks[:_ASKS], start=1):
        blocks += _ask(number, ask, state.links)
    more = _more(len(state.asks) - _ASKS, "question")
    return [*blocks, section(more)] if more else blocks


def _ask(number: int, ask: Ask, links: Mapping[str, str]) -> list[BlockDict]:
    view, question = ask.view, ask.question
    link = MRKDWN.link("→ the question", links.get(question.id, ""))
    where = [MRKDWN.text(question.cluster), f"op {short_id(view.id)}"]
    if not is_request(question):
        where.append(f"asked for by {MRKDWN.person(view.requester)}")
    if question.opened_at:
        where.append(f"since {MRKDWN.time(question.opened_at)}")
    if question.stop_at:
        ends = "lapses" if is_request(question) else "no answer: stops"
        where.append(f"{ends} {MRKDWN.time(question.stop_at)}")
    leads = [link] if link.startswith("<") else []
    mine = question.model_copy(update={"choices": ask.choices})
    asked = f"{MRKDWN.bold(f'{number}.')} {counted_question(view, question)}"
    said = section([asked, " · ".join([*where, *leads])])
    buttons = decision_buttons(mine, named=False, which=f"{number}: ")
    return [said, actions(buttons)] if buttons else [said]


def counted_question(view: OperationView, question: QuestionView) -> str:
    """Return what is asked as one sentence of mrkdwn that counts pods instead of naming them."""
    if is_request(question):
        return question_text(view, question, MRKDWN)
    pods = count(len(question.pods), "pod")
    on = on_nodes(question, MRKDWN)
    if question.kind is QuestionKind.BLOCK:
        never = bool(question.blocks) and all(b.verdict is Verdict.NEVER for b in question.blocks)
        help_ = ", and waiting won't help" if never else ""
        return f"Decide: {pods}{on} can't move{help_}."
    if question.kind is QuestionKind.REFUSAL:
        return f"Decide: {pods}{on} may not be evicted without a person's word."
    if question.kind is QuestionKind.WONT_STOP:
        return f"Decide: {pods}{on} should have stopped by now."
    words = MRKDWN.text(question_title(question))
    return words if words.endswith("?") else f"{words}."


def _overdue_lines(state: HomeState) -> list[str]:
    late = [
        (view, question)
        for view in state.running
        for question in view.open_questions
        if question.reminded or question.kind in {QuestionKind.OVERDUE, QuestionKind.FENCE_LOST}
    ]
    lines = [
        f"{counted_question(view, question)} {_late(question)}{_since(question.opened_at)}, "
        f"{_op(view.id, state.links)}."
        for view, question in late
    ]
    return [*lines[:_OVERDUE], *_more(len(lines) - _OVERDUE, "overdue thing")]


def _kept(state: HomeState) -> list[BlockDict]:
    """Return the nodes that an ended operation left cordoned, with what may be done about each."""
    blocks: list[BlockDict] = []
    for number, node in enumerate(state.kept[:_KEPT], start=1):
        what = node_name(node.node, MRKDWN)
        mode = MRKDWN.text(node.mode.replace("_", " "), 40)
        stays = f"{what} in {MRKDWN.text(node.cluster)} is {mode}{_since(node.since)}."
        buttons = node.operation and all(_is_name(each) for each in (node.operation, node.node))
        back = "" if buttons else f" /drain return {what} gives it back."
        blocks.append(section([f"{stays}{back}"]))
        if buttons:
            offered = (MAINTAIN, RETURN) if node.mode == "drained" else (RETURN,)
            which = f"{number}, {label(node.node, 20)}: "
            ways = [node_button(node.operation, node.node, a, which=which) for a in offered]
            blocks.append(actions(ways))
    more = _more(len(state.kept) - _KEPT, "cordoned node")
    return [*blocks, section(more)] if more else blocks


def _is_name(text: str) -> bool:
    return text.isascii() and len(text) <= _LONGEST_NAME


def _late(question: QuestionView) -> str:
    return "Past its end; told" if question.kind is QuestionKind.MAINTENANCE else "Unanswered"


def _since(ms: int) -> str:
    return f" since {MRKDWN.time(ms, day=True)}" if ms else ""


def _op(operation: str, links: Mapping[str, str]) -> str:
    return MRKDWN.link(f"op {short_id(operation)}", links.get(operation, ""))


def _running(state: HomeState, now_ms: int) -> list[BlockDict]:
    blocks = [header("Runs now")]
    if not state.running:
        return [*blocks, section(["Nothing is being drained."])]
    for number, view in enumerate(state.running[:_RUNNING], start=1):
        row = section(_operation_lines(view, now_ms, state.links))
        which = f"{number}, op {short_id(view.id)}: "
        row["accessory"] = operation_button(view, DETAILS, which=which)
        blocks.append(row)
    more = _more(len(state.running) - _RUNNING, "operation")
    return [*blocks, section(more)] if more else blocks


def _operation_lines(view: OperationView, now_ms: int, links: Mapping[str, str]) -> list[str]:
    nodes = node_list([node.name for node in view.nodes], MRKDWN, limit=_SHOWN)
    why = f": {MRKDWN.text(view.reason, _REASON)}" if view.reason else ""
    parts = [_op(view.id, links), f"asked for by {MRKDWN.person(view.requester)}{why}"]
    if view.paused_by and view.state is OperationState.RUNNING:
        parts.append(f"paused by {MRKDWN.person(view.paused_by)}")
    counts = "" if view.plan_only else f" · {progress_counts(view, now_ms)}"
    title = MRKDWN.bold(f"{state_words(view)} · {MRKDWN.text(view.cluster)}")
    return [f"{title} · {nodes}{counts}", " · ".join(parts)]


def _lately_lines(state: HomeState) -> list[str]:
    lines = []
    for view in state.ended[:_LATELY]:
        nodes = node_list([node.name for node in view.nodes], MRKDWN, limit=_SHOWN)
        when = f" · {MRKDWN.time(view.ended_at, day=True)}" if view.ended_at else ""
        lines.append(
            f"{MRKDWN.text(view.cluster)}: {nodes} · {MRKDWN.text(state_words(view))}{when} · "
            f"{MRKDWN.person(view.requester)} · {_op(view.id, state.links)}"
        )
    return lines or ["Nothing has ended yet."]


def _silent_words(state: HomeState) -> str:
    alive = MRKDWN.bold(f"No worker of {node_list(state.silent, MRKDWN)} is alive")
    return f"{alive}: what is asked there waits."


def _more(number: int, what: str) -> list[str]:
    return [f"… and {count(number, f'more {what}')}: /drain list shows them."] if number > 0 else []
