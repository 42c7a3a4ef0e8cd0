"""A question asked of its pods' owners too: a copy in their channel, with the same buttons."""

from dataclasses import replace

from bot.messages.audience import Audience, OwnersPlace
from bot.messages.blocks import context, section
from bot.messages.buttons import word
from bot.messages.decisions import people
from bot.messages.message import Message
from bot.messages.question import question_key, question_message
from bot.messages.style import MRKDWN
from bot.messages.text import clip, listing, mention, short_id
from jobs.models import OperationView, QuestionState, QuestionView

__all__ = ["COPY", "owners_copies"]

COPY = "own:"  # what the key of a copy begins with

_NAMED = 5


def owners_copies(
    view: OperationView, asked: tuple[QuestionView, ...], audience: Audience
) -> list[Message]:
    """Return a copy for each channel of owners whose pods are in the way.

    Answers on a copy settle the same question, and what became of it stands on each. Pods' names
    may stand there, and nowhere else: where a channel can't be reached, its copy is not told.
    """
    places = [each for each in audience.owners(asked[-1]) if each.channel != view.channel]
    copies = [_copy(view, asked, audience, place) for place in places]
    return [*copies, *_of_others(view, asked, audience, {copy.key for copy in copies})]


def _of_others(
    view: OperationView, asked: tuple[QuestionView, ...], audience: Audience, told: set[str]
) -> list[Message]:
    """Return the copies in channels that are no owners' any more: nothing is asked there."""
    about = f":{_about(asked[-1])}"
    gone = [key for key in sorted(audience.copies - told) if key.endswith(about)]
    found = []
    for key in gone:
        channel = key.removeprefix(COPY).removesuffix(about)
        copy = _copy(view, asked, audience, OwnersPlace(channel, (), ()))
        if copy.key == key:  # else it is another question's, whose name only ends alike
            found.append(replace(_withdrawn(copy, view, asked[-1]), post=False))
    return found


def _withdrawn(copy: Message, view: OperationView, question: QuestionView) -> Message:
    if question.state is not QuestionState.OPEN:
        return copy  # what became of it is there for whoever was asked
    where = f" in {MRKDWN.text(view.cluster)}" if view.cluster else ""
    said = f"This is no longer asked here: by the policy of today its pods{where} are not yours."
    blocks = (section([said]), context([f"op {short_id(view.id)}"]))
    return replace(copy, text=said, blocks=blocks)


def _about(question: QuestionView) -> str:
    return question.thread_key or question.id


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
        key=f"{COPY}{place.channel}:{_about(question)}",
        text=clip(original.text, 1_000),
        blocks=(*blocks, context([told, link if link.startswith("<") else ""])),
        in_thread=False,
        broadcast=False,
        channel=place.channel,
        confined=True,
    )
