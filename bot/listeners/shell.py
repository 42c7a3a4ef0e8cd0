"""The shell around listeners: settle in time, answer the person, acknowledge; never silence."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.commands import Desk
from bot.listeners.delivery import Delivery, read_delivery
from bot.listeners.deps import Deps, NotAdmitted, admit
from bot.listeners.within import ARRIVED, Unsettled
from bot.messages.message import BlockDict
from bot.messages.modals import note_modal
from bot.outbox import Note
from jobs.models import Principal
from jobs.options import UsageError

__all__ = ["Reply", "Work", "arrived_at", "safe", "settle_click", "settle_command", "settle_modal"]

log = structlog.get_logger(__name__)

_LATE_FORM = (
    "Slack gives 3 seconds to open a form, and they were over. Nothing was asked. Type the command "
    "again, or name the nodes behind it."
)
_NO_FORM = (
    "The form could not be opened: Slack did not take it. Nothing was asked. Type the command "
    "again, or name the nodes behind it."
)
_NO_DIALOG = "The dialog could not be opened: Slack is slow. Nothing changed; press again."


@dataclass(frozen=True)
class Reply:
    """What one person gets: words, a modal, or errors at the fields of a modal they submitted.

    Empty means that nothing is to be said: the message that they acted on will show it.
    `channel` and `thread_ts` are where the words go if the delivery itself doesn't say.
    """

    text: str = ""
    blocks: tuple[BlockDict, ...] = ()
    modal: BlockDict | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    thread_ts: str = ""


Work = Callable[[Desk, Principal, Delivery], Reply]
"""What a listener does, in Redis, before Slack is answered."""


def safe(words: str) -> str:
    """Escape words of our own for mrkdwn; what people typed is in them harmlessly already."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def arrived_at(context: Mapping[str, Any]) -> float:
    """Return when the delivery arrived; now, where it came through Socket Mode."""
    arrived = context.get(ARRIVED)
    return arrived if isinstance(arrived, float) else time.monotonic()


def settle_command(
    deps: Deps, body: Mapping[str, Any], arrived: float, work: Work
) -> dict[str, Any]:
    """Do the work of a slash command; return the acknowledgement, which one person sees."""
    delivery = read_delivery(body)
    try:
        reply = deps.within.run(arrived, lambda: _judged(deps, delivery, work))
    except Unsettled as unsettled:
        reply = Reply(str(unsettled))
    if reply.modal is not None:
        return _open_form(deps, delivery, reply.modal)
    answer: dict[str, Any] = {"response_type": "ephemeral", "text": reply.text}
    if reply.blocks:
        answer["blocks"] = list(reply.blocks)
    return answer


def settle_click(deps: Deps, body: Mapping[str, Any], arrived: float, work: Work) -> None:
    """Do the work of a click. What is to be said waits in Redis before Slack is answered."""
    delivery = read_delivery(body)
    try:
        reply = deps.within.run(arrived, lambda: _noted(deps, delivery, work))
    except Unsettled as unsettled:
        _tell_past_redis(deps, delivery, str(unsettled))
        return
    if reply.text and not reply.channel and not delivery.channel:
        _tell_past_redis(deps, delivery, reply.text, kept=delivery.home)
    if reply.modal is not None:
        _open(deps, delivery, reply.modal)


def settle_modal(
    deps: Deps, body: Mapping[str, Any], arrived: float, work: Work, *, field_of_errors: str
) -> dict[str, Any]:
    """Do the work of a submitted modal; return the acknowledgement: close it, or show errors.

    Where nobody knows whether it was recorded, the modal stays open and says so at
    `field_of_errors`, so that it can be submitted again.
    """
    delivery = read_delivery(body)
    try:
        reply = deps.within.run(arrived, lambda: _noted(deps, delivery, work))
    except Unsettled as unsettled:
        reply = Reply(errors={field_of_errors: str(unsettled)})
    if reply.errors:
        return {"response_action": "errors", "errors": dict(reply.errors)}
    if reply.text and not reply.channel and not delivery.channel:
        # It came from no channel that the words could go to, so the modal itself says them.
        return {"response_action": "update", "view": note_modal("drainbot", [reply.text])}
    return {}


def _judged(deps: Deps, delivery: Delivery, work: Work) -> Reply:
    try:
        desk, principal = admit(deps, delivery)
        return work(desk, principal, delivery)
    except (NotAdmitted, UsageError) as refusal:
        return Reply(safe(str(refusal)))


def _noted(deps: Deps, delivery: Delivery, work: Work) -> Reply:
    reply = _judged(deps, delivery, work)
    if reply.text:
        channel = reply.channel or delivery.channel
        thread = reply.thread_ts or ("" if reply.channel else delivery.thread_ts)
        if channel:
            deps.notes.queue_note(Note(delivery.user, channel, reply.text, thread))
        elif delivery.home:
            deps.looks.tell(delivery.user, reply.text)
    if delivery.home:
        deps.looks.looked(delivery.user)  # what they did is to be seen there
    return reply


def _tell_past_redis(deps: Deps, delivery: Delivery, words: str, *, kept: bool = False) -> None:
    """Tell at once; `kept` words stand on the person's home tab until they were seen here."""
    if delivery.home:  # Slack gives a press there no address to answer at
        _show(deps, delivery, words, kept=kept)
        return
    if not delivery.response_url:
        log.warning("nowhere_to_answer", user=delivery.user)
        return
    message = {"response_type": "ephemeral", "replace_original": False, "text": words}
    deps.aside.start(lambda: deps.respond(delivery.response_url, message))


def _open_form(deps: Deps, delivery: Delivery, form: BlockDict) -> dict[str, Any]:
    """Open the form of a command; return the acknowledgement, which says something only if not."""

    def task() -> None:
        wrong = deps.open_view(delivery.trigger_id, form)
        if wrong:
            log.warning("form_not_opened", error=wrong)
            _tell_past_redis(deps, delivery, _LATE_FORM if "trigger" in wrong else _NO_FORM)

    if deps.aside.start(task):
        return {}
    return {"response_type": "ephemeral", "text": _NO_FORM}


def _show(deps: Deps, delivery: Delivery, words: str, *, kept: bool) -> None:
    def task() -> None:
        wrong = deps.open_view(delivery.trigger_id, note_modal("drainbot", [words]))
        if wrong:
            log.warning("words_not_shown", error=wrong, on_the_home_tab=kept)
        elif kept:
            deps.looks.heard(delivery.user)

    deps.aside.start(task)


def _open(deps: Deps, delivery: Delivery, modal: BlockDict) -> None:
    def task() -> None:
        wrong = deps.open_view(delivery.trigger_id, modal)
        if wrong and delivery.home:
            log.warning("modal_not_opened", error=wrong)
            deps.looks.tell(delivery.user, _NO_DIALOG)
            deps.looks.looked(delivery.user)
        elif wrong:
            log.warning("modal_not_opened", error=wrong)
            deps.notes.queue_note(
                Note(delivery.user, delivery.channel, _NO_DIALOG, delivery.thread_ts)
            )

    if not deps.aside.start(task):
        _tell_past_redis(deps, delivery, _NO_DIALOG)
