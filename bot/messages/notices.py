"""Reminders and escalations: new messages, because an edit notifies nobody."""

from bot.messages.audience import Audience
from bot.messages.blocks import context, header, section
from bot.messages.buttons import is_request
from bot.messages.decisions import outcome_line, people
from bot.messages.message import Message, Priority
from bot.messages.question import question_key, question_text
from bot.messages.style import MRKDWN, NOTICE
from bot.messages.text import clip, count, mention, short_id
from bot.messages.whole_life import said_on
from jobs.models import OperationView, QuestionKind, QuestionState, QuestionView

__all__ = ["notices"]


def notices(view: OperationView, question: QuestionView, audience: Audience) -> list[Message]:
    """Return a message for each notice of a question that is due."""
    return [
        _elsewhere(view, question, number, audience)
        if notice == "escalate" and _is_channel(view.requirements.escalate_to)
        else _in_thread(view, question, notice, number, audience)
        for number, notice in enumerate(question.reminded)
    ]


def _is_channel(target: str) -> bool:
    return mention(target).startswith("<#")


def _key(question: QuestionView, number: int) -> str:
    return f"notice:{question.id}:{number}"


def _in_thread(
    view: OperationView, question: QuestionView, notice: str, number: int, audience: Audience
) -> Message:
    escalated = notice == "escalate"
    # Who asked is to press Start, or to let it go; anybody else has no part in it yet.
    starts = question.kind is QuestionKind.START
    who = (view.requester,) if starts else audience.mentions(question)
    if escalated and view.requirements.escalate_to:
        who = (*who, view.requirements.escalate_to)
    names = people(tuple(dict.fromkeys(who)), MRKDWN) or mention(view.requester)
    link = MRKDWN.link("→ the question", audience.links.get(question_key(question), ""))
    stop = f" No answer by {MRKDWN.time(question.stop_at)}: {_then(question)}."
    word = "Still no answer" if escalated else "Reminder"
    late = question.kind is QuestionKind.MAINTENANCE
    word = "Past its expected end" if late else word
    asked = said_on(question_text(view, question, MRKDWN))
    since = f" Asked at {MRKDWN.time(question.opened_at)}." if question.opened_at else ""
    return Message(
        key=_key(question, number),
        text=clip(f"{word}: {said_on(question_text(view, question, NOTICE))}", 1_000),
        blocks=(
            section([f"{word}, {names}: {asked}{since}{stop if question.stop_at else ''} {link}"]),
        ),
        priority=Priority.URGENT,
        version=view.version,
        broadcast=escalated,
        mutable=False,
        post=question.state is QuestionState.OPEN,
    )


def _then(question: QuestionView) -> str:
    return "it lapses" if is_request(question) else "the operation stops, its cordons stay"


def _elsewhere(
    view: OperationView, question: QuestionView, number: int, audience: Audience
) -> Message:
    """Tell another channel: counts and a link, no names of pods."""
    is_open = question.state is QuestionState.OPEN
    cluster = MRKDWN.text(question.cluster)
    about = f" about {count(len(question.pods), 'pod')}" if question.pods else ""
    what = "approval" if question.kind is QuestionKind.APPROVAL else "a decision"
    since = f" since {MRKDWN.time(question.opened_at)}" if question.opened_at else ""
    said = f"A drain in {cluster} has waited{since} for {what}{about}."
    if question.kind is QuestionKind.MAINTENANCE:
        since = f",{since}" if since else ""
        said = f"A node of {cluster} is in maintenance past its expected end{since}."
    link = MRKDWN.link("→ the question", audience.links.get(question_key(question), ""))
    if not is_open:
        # Who decided is told, why is not: a reason may name pods.
        bare = question.model_copy(
            update={"settled": _without_note(question), "detail": "", "superseded_because": ""}
        )
        said, link = f"{said} {outcome_line(bare, MRKDWN)}", ""
    title = "A decision is needed" if is_open else "No decision is needed any more"
    title = "Asked anew, as another question" if question.superseded_by else title
    return Message(
        key=_key(question, number),
        text=clip(f"{title} in {NOTICE.text(question.cluster)}, op {short_id(view.id)}.", 1_000),
        blocks=(
            header(f"{title} · {question.cluster}"),
            section([said, link]),
            context(
                [
                    f"told in {mention(view.channel)}" if view.channel else "",
                    f"op {short_id(view.id)}",
                ]
            ),
        ),
        priority=Priority.URGENT if is_open else Priority.SETTLED,
        version=view.version,
        in_thread=False,
        channel=view.requirements.escalate_to,
        post=is_open,
    )


def _without_note(question: QuestionView) -> object:
    return question.settled.model_copy(update={"note": ""}) if question.settled else None
