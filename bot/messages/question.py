"""A question as a message: what is in the way, what each choice does, and what became of it."""

from bot.messages.aftermath import after_effects, unwell_lines, volume_lines
from bot.messages.audience import Audience
from bot.messages.blocks import actions, context, header, section
from bot.messages.buttons import DETAILS, decision_buttons, operation_button, word
from bot.messages.decisions import (
    needs_line,
    outcome_line,
    people,
    vote_lines,
    wait_line,
    waits_for,
)
from bot.messages.life import life_effects, life_question
from bot.messages.message import PARENT, BlockDict, Message, Priority
from bot.messages.nodes import node_list, node_name
from bot.messages.obstacles import block_lines, refusal_lines, wont_stop_lines
from bot.messages.request import asked_line, plan_lines, request_title
from bot.messages.several import of_each, on_nodes, what_cannot_move
from bot.messages.style import MRKDWN, NOTICE, Style, with_people
from bot.messages.text import clip, count, listing, pod_names, short_id
from bot.messages.whole_life import is_part, part_effects
from jobs.models import (
    BY_BUDGETS,
    OperationView,
    QuestionKind,
    QuestionState,
    QuestionView,
    Verdict,
)

__all__ = [
    "asked_again",
    "detail_lines",
    "effects",
    "question_key",
    "question_message",
    "question_text",
    "question_title",
    "successor_of",
]

_EARLIER = 3
_NODES = 6  # canaries that are told of


def question_key(question: QuestionView) -> str:
    """Return the key of the message that shows a question."""
    return f"q:{question.thread_key or question.id}"


def question_message(
    view: OperationView, asked: tuple[QuestionView, ...], audience: Audience
) -> Message:
    """Return the message for questions of one thread key, the latest last."""
    question = asked[-1]
    key = question_key(question)
    is_open = question.state is QuestionState.OPEN
    text = question_text(view, question, NOTICE)
    if not is_open:
        about = NOTICE.text(question_title(question).removeprefix("Decide: "))
        text = f"{about}, in {NOTICE.text(view.cluster)}: {outcome_line(question, NOTICE)}"
    return Message(
        key=key,
        text=clip(text, 1_000),
        blocks=tuple(_blocks(view, asked, audience)),
        priority=Priority.URGENT if is_open else Priority.SETTLED,
        version=view.version,
        broadcast=is_open,
        # Nobody needs to hear of a question that closed by itself before it could be asked.
        post=is_open or question.state is QuestionState.SETTLED,
    )


def question_title(question: QuestionView) -> str:
    """Return what is asked, in a few words."""
    if title := life_question(question)[0]:
        return title
    pods = question.pods
    what = str(pods[0]) if len(pods) == 1 else count(len(pods), "pod")
    return {
        QuestionKind.START: "Start?",
        QuestionKind.APPROVAL: "Approve?",
        QuestionKind.REFUSAL: f"Decide: {what} needs your word"
        if len(pods) == 1
        else f"Decide: {what} need your word",
        QuestionKind.BLOCK: f"Decide: {what_cannot_move(question)} can't move",
        QuestionKind.WONT_STOP: f"Decide: {what} won't stop",
        QuestionKind.OVERDUE: f"Decide: {question.node} takes too long",
        QuestionKind.FREED: f"Go on? {question.node} could move now",
        QuestionKind.UNCORDONED: f"Decide: {question.node} was uncordoned",
        QuestionKind.STUCK: "Decide: the operation is stuck",
        QuestionKind.VOLUMES: f"Decide: volumes stay attached to {question.node}",
        QuestionKind.UNWELL: f"Decide: {count(len(question.unwell), 'workload')} not well again"
        if question.unwell
        else f"Decide: are the workloads of {question.node} well again?",
        QuestionKind.OWN: f"Decide: drainbot itself runs on {question.node}",
        QuestionKind.CANARY: "Go on after the canary?",
    }[question.kind]


def question_text(view: OperationView, question: QuestionView, style: Style) -> str:
    """Return the question as one sentence."""
    cluster = style.text(question.cluster)
    if question.kind in {QuestionKind.START, QuestionKind.APPROVAL}:
        verb = "Start" if question.kind is QuestionKind.START else "Approve"
        nodes = node_list([n.name for n in view.nodes], style)
        why = f": {style.text(view.reason, 200)}" if view.reason else ""
        return f"{verb}? {style.person(view.requester)} wants to drain {nodes} in {cluster}{why}."
    where = f"{on_nodes(question, style)} in {cluster}".strip()
    if question.kind is QuestionKind.MAINTENANCE:
        if is_part(question):
            return f"Is the maintenance of {style.text(question.node)} in {cluster} done?"
        return f"{style.text(question.node)} in {cluster} is in maintenance."
    return f"Decision needed {where}: {_what(question, style)}."


def _what(question: QuestionView, style: Style) -> str:
    pods = pod_names(map(str, question.pods), style.text, limit=2)
    many = len(question.pods) > 1
    if question.kind is QuestionKind.BLOCK:
        never = bool(question.blocks) and all(b.verdict is Verdict.NEVER for b in question.blocks)
        return f"{pods} can't move" + (", and waiting won't help" if never else "")
    has = "have" if many else "has"
    said = {
        QuestionKind.REFUSAL: f"{pods} may not be evicted without a person's word",
        QuestionKind.WONT_STOP: f"{pods} should have stopped, and {has} not",
        QuestionKind.OVERDUE: "the node's drain takes longer than it was given",
        QuestionKind.FREED: "what was in the way is gone, long after it was asked",
        QuestionKind.UNCORDONED: "somebody uncordoned it while it was being drained",
        QuestionKind.STUCK: "the operation fails again and again",
        QuestionKind.VOLUMES: "it is empty, but volumes stay attached to it",
        QuestionKind.UNWELL: "workloads are less ready than before its drain",
        QuestionKind.OWN: "what drainbot itself needs runs on it",
        QuestionKind.CANARY: "what went first did not go well",
    }.get(question.kind)
    return said or life_question(question)[1] or "a person has to choose"


def effects(view: OperationView, question: QuestionView, style: Style) -> list[str]:
    """Say what the choices do that their names don't tell."""
    words = {word(choice) for choice in question.choices}
    lines = []
    if "force" in words and question.pods:
        lines.append(_force_words(question, style))
    if "evict_anyway" in words and question.kind is QuestionKind.START:
        them = pod_names(map(str, question.pods), style.text, limit=3)
        lines.append(f"Evict anyway starts it and moves {them} too; budgets still hold.")
        lines.append(f"Start leaves {'them' if len(question.pods) > 1 else 'it'} for a question.")
    elif "evict_anyway" in words:
        lines.append("Evict anyway moves exactly these pods; budgets still hold.")
    lines += part_effects(view, question) or [*after_effects(question), *life_effects(question)]
    if "skip" in words and question.kind not in {QuestionKind.VOLUMES, QuestionKind.OWN}:
        others = sum(not n.status.final for n in view.nodes if n.name not in question.nodes)
        this = "these nodes" if question.by_node else "this node"
        then = "goes on with other nodes" if others else f"ends the operation without {this}"
        leaves = "them" if len(question.pods) != 1 else "it"
        lines.append(f"Skip leaves {leaves} running and {then}.")
    if "restart" in words:
        lines.append("Start again forgets how far it came, and looks at the cluster anew.")
    if question.kind is QuestionKind.CANARY:
        lines.append("Go on begins the other nodes now. Abort leaves them untouched.")
    if "node_is_dead" in words:
        lines.append("Dead means that a person attests that the node is off and stays off.")
    return lines


def _force_words(question: QuestionView, style: Style) -> str:
    pods = listing([style.text(p.name, 120) for p in question.pods[:3]], 3, of=len(question.pods))
    by_budgets = all(block.kind in BY_BUDGETS for block in question.blocks)
    past = " past its budget" if by_budgets else " instead of evicting it"
    past = " past their budget" if question.by_node else past
    past = past if question.blocks else ""
    owners = {b.owner.uid: b.owner for b in question.blocks if b.owner and b.owner.ready >= 0}
    if len(question.pods) == 1 and len(owners) == 1:
        owner = next(iter(owners.values()))
        if owner.replicas > 0:
            left = max(owner.ready - 1, 0)
            stay = "stays" if left == 1 else "stay"
            return f"Force deletes {pods}{past}: {left} of {owner.replicas} {stay}."
    return f"Force deletes {pods}{past}, one at a time."


def _blocks(
    view: OperationView, asked: tuple[QuestionView, ...], audience: Audience
) -> list[BlockDict]:
    question = asked[-1]
    # What was asked about is the plan of that time, and the operation shows the one of now.
    replaced = bool(question.superseded_by)
    asks = question.kind is QuestionKind.APPROVAL and not replaced
    body = _request_body(view, question) if asks else _body(question)
    body = [*asked_again(view, question, MRKDWN), *body]
    earlier = [outcome_line(q, MRKDWN) for q in asked[:-1][-_EARLIER:]]
    body += [f"Before: {line}" for line in earlier if line]
    title = question_title(question)
    if question.kind is QuestionKind.APPROVAL:
        title = f"Approve? {request_title(view)}"
    who = audience.mentions(question)
    if question.state is not QuestionState.OPEN:
        new = _link_to(successor_of(view, question), audience)
        body.append(MRKDWN.bold(outcome_line(question, MRKDWN, successor=new)))
        return [
            header(title.removeprefix("Decide: ")),
            section(body),
            context([f"op {short_id(view.id)}"]),
        ]
    choices = [*effects(view, question, MRKDWN), wait_line(question, MRKDWN)]
    if question.kind is not QuestionKind.APPROVAL:
        choices += vote_lines(question, MRKDWN)
    # Apart from the facts, so that no length of those pushes out what the buttons do.
    blocks = [header(title), section(body)]
    blocks += [section(choices)] if any(choices) else []
    buttons = list(decision_buttons(question))
    if question.kind is QuestionKind.APPROVAL:
        buttons.append(operation_button(view, DETAILS))
        small = _approval_small(view, question, who)
    else:
        small = [waits_for(question, who, MRKDWN), needs_line(question, MRKDWN)]
    if buttons:
        blocks.append(actions(buttons))
    return [*blocks, context([*small, f"op {short_id(view.id)}"])]


def successor_of(view: OperationView, question: QuestionView) -> QuestionView | None:
    """Return the question that took its place, the latest where that was replaced as well."""
    known = {each.id: each for each in view.questions}
    found: QuestionView | None = None
    following = known.pop(question.superseded_by, None)
    while following is not None:  # each is taken out: nobody goes round in circles
        found, following = following, known.pop(following.superseded_by, None)
    return found


def asked_again(view: OperationView, question: QuestionView, style: Style) -> list[str]:
    """Say why it is asked once more, in the place of an earlier one."""
    earlier = [q for q in view.questions if q.superseded_by == question.id and q.superseded_because]
    why = [style.text(q.superseded_because, 400) for q in earlier[-1:]]
    return [f"Asked again, because {words}. What was said before does not count." for words in why]


def _link_to(question: QuestionView | None, audience: Audience) -> str:
    if question is None:
        return ""
    key = PARENT if question.kind is QuestionKind.START else question_key(question)
    return audience.links.get(key, "")


def _request_body(view: OperationView, question: QuestionView) -> list[str]:
    detail = [MRKDWN.text(question.detail, 400)] if question.detail else []
    return [asked_line(view, MRKDWN), *plan_lines(view, MRKDWN), *detail]


def _approval_small(view: OperationView, question: QuestionView, who: tuple[str, ...]) -> list[str]:
    needed = max([*question.votes_needed.values(), view.requirements.approve_votes, 1])
    given = tuple(dict.fromkeys(v.by for v in question.votes if word(v.choice) == "approve"))
    by = f": {people(given, MRKDWN)}" if given else ""
    small = [f"{len(given)} of {count(needed, 'approval')}{by}"]
    if who:
        small.append(f"{people(who, MRKDWN, last=' or ')} may")
    if not view.requirements.requester_counts:
        small.append(f"{MRKDWN.person(view.requester)} may not, having asked")
    if question.stop_at:
        small.append(f"lapses {MRKDWN.time(question.stop_at)}")
    return small


def _body(question: QuestionView) -> list[str]:
    lines = []
    if question.node:
        where = f"{node_name(question.node, MRKDWN)}, {MRKDWN.text(question.cluster)}"
        left = question.pods_left
        of = f" · {left} of {count(question.pods_total, 'pod')} left" if question.pods_total else ""
        lines.append(f"{where}{of}")
    if question.by_node:
        several = f"{count(len(question.nodes), 'node')}, {MRKDWN.text(question.cluster)}"
        lines += [several, *of_each(question, MRKDWN)]
    lines += refusal_lines(question.refusals, MRKDWN)
    closed = question.state is QuestionState.CLOSED
    lines += block_lines(question.blocks, MRKDWN, advice=not closed, named=bool(question.by_node))
    lines += wont_stop_lines(question.wont_stop, MRKDWN)
    lines += volume_lines(question.volumes, MRKDWN)
    lines += unwell_lines(question.unwell, MRKDWN)
    if not question.closed_because:
        lines += detail_lines(question, MRKDWN)
    return lines


def detail_lines(question: QuestionView, style: Style) -> list[str]:
    """Return what a question says in words of its own."""
    if question.kind is QuestionKind.CANARY:  # a line a node, in the words of its workflow
        return [with_people(line, style, 400) for line in question.detail.splitlines()[:_NODES]]
    if not question.detail:
        return []
    seen = "What was seen: " if life_question(question)[0] else ""
    seen = "Why: " if question.kind is QuestionKind.MAINTENANCE else seen
    words = f"{seen}{style.text(question.detail, 600)}"
    return [words if words.endswith((".", "?", "!")) else f"{words}."]
