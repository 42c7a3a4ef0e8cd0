"""A question asked of its pods' owners too: a copy in their channel, with the same buttons."""

from dataclasses import replace

from bot.messages.audience import Audience, OwnersPlace
from bot.messages.blocks import context, section
from bot.messages.buttons import word
from bot.messages.decisions import people
from bot.messages.message import Message
from bot.messages.question import question_key, question_message
from bot.messages.style import MRKDWN
from bot.messages.text import clip, listing, mention
from jobs.models import OperationView, QuestionState, QuestionView

__all__ = ["owners_copies"]

_NAMED = 5


def owners_copies(
    view: OperationView, asked: tuple[QuestionView, ...], audience: Audience
) -> list[Message]:
    """Return a copy for each channel of owners whose pods are in the way.

    Answers on a copy settle the same question, and what became of it stands on each. Pods' names
    may stand there, and nowhere else: where a channel can't be reached, its copy is not told.
    """
    places = audience.owners(asked[-1])
    return [
        _copy(view, asked, audience, place) for place in places if place.channel != view.channel
    ]


def _copy(
    view: OperationView, asked: tuple[QuestionView, ...], audience: Audience, place: OwnersPlace
) -> Message:
    question = asked[-1]
    original = question_message(view, asked, audience)
    pods = f"pods of {listing([MRKDWN.text(name) for name in place.namespaces], _NAMED)}"
    who = people(place.who, MRKDWN)
    blocks = original.blocks
    if question.state is QuestionState.OPEN:
        asks = f"{who}: {pods} are in the way of a drain." if who else f"In the way: {pods}."
        force = place.votes and any(word(choice) == "force" for choice in question.choices)
        votes = " Force takes a vote of yours too." if force else ""
        blocks = (section([f"{asks}{votes}"]), *blocks)
    link = MRKDWN.link("→ the question", audience.links.get(question_key(question), ""))
    told = f"asked in {mention(view.channel)} too" if view.channel else "asked elsewhere too"
    return replace(
        original,
        key=f"own:{place.channel}:{question.thread_key or question.id}",
        text=clip(original.text, 1_000),
        blocks=(*blocks, context([told, link if link.startswith("<") else ""])),
        in_thread=False,
        broadcast=False,
        channel=place.channel,
        confined=True,
    )
