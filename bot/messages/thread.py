"""All messages of an operation, from its state at one moment."""

from bot.messages.audience import Audience
from bot.messages.finish import finish
from bot.messages.log import log_message
from bot.messages.message import Message, fresh_ids
from bot.messages.notices import notices
from bot.messages.owners import owners_copies
from bot.messages.progress import parent
from bot.messages.question import question_key, question_message
from jobs.models import OperationState, OperationView, QuestionKind, QuestionView

__all__ = ["thread_of"]

_NOBODY = Audience()
_TOLD = frozenset({"ended"})  # the finish says more


def thread_of(
    view: OperationView, now_ms: int, audience: Audience = _NOBODY
) -> tuple[Message, ...]:
    """Return every message that `view` calls for: the parent first, then in the order of urgency.

    Pure. `now_ms` is milliseconds since the epoch by Redis' clock. A question of kind START is
    part of the parent, since who asked is looking at it; each other one is a message of its own.
    """
    messages = [parent(view, now_ms, audience)]
    asked: dict[str, list[QuestionView]] = {}
    for question in view.questions:
        if question.kind is not QuestionKind.START:
            asked.setdefault(question_key(question), []).append(question)
        messages += notices(view, question, audience)
    for same in asked.values():
        messages.append(question_message(view, tuple(same), audience))
        messages += owners_copies(view, tuple(same), audience)
    if view.state is OperationState.ENDED:
        end = finish(view)
        messages += [end] if end else []
    messages += [log_message(view, entry) for entry in view.log if entry.what not in _TOLD]
    first, *rest = messages
    return tuple(fresh_ids(m) for m in (first, *sorted(rest, key=lambda m: m.priority)))
