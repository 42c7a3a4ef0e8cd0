"""Delivers notes "to one person only": shown to that person, or said in the thread, or too old."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot.messages.text import mention
from bot.outbox import Outbox, TakenNote
from bot.sender import Sender
from bot.slack_api import Away, Failed, Outcome, RateLimited, SlackApi, Unknown

__all__ = ["Notes"]

log = structlog.get_logger()

_AT_ONCE = 50  # notes that are held in memory; the others wait in Redis
_TEXT = 3_000
# s until a note that may have been shown is tried again while Slack is in doubt: more each time
_UNSURE, _UNSURE_MOST = 1.0, 30.0


@dataclass
class _Held:
    taken: TakenNote
    aloud: bool = False  # not to be shown to one person: said in the thread
    unsure: float = 0.0
    unsure_until: float = 0.0


class Notes:
    """The notes that one notifier delivers. A note stays in Redis until it was delivered."""

    def __init__(
        self,
        outbox: Outbox,
        slack: SlackApi,
        sender: Sender,
        *,
        clock: Callable[[], float],
        expires: float,
    ) -> None:
        self._outbox = outbox
        self._slack = slack
        self._sender = sender
        self._clock = clock
        self._expires = expires
        self._held: list[_Held] = []

    def begin(self) -> None:
        """Begin a new term: take back what a former notifier had taken."""
        self._held.clear()
        recovered = self._outbox.recover()
        if recovered:
            log.info("notes_recovered", notes=recovered)

    def deliver(self, now_ms: int) -> float | None:
        """Deliver what may go now; returns when the next may, by the clock, or None."""
        while len(self._held) < _AT_ONCE:
            taken = self._outbox.take()
            if taken is None:
                break
            self._held.append(_Held(taken))
        waiting: list[float] = []
        for held in list(self._held):
            if now_ms - held.taken.queued_at > self._expires * 1000:
                log.warning("note_dropped", why="too old", channel=held.taken.note.channel)
                self._done(held)
                continue
            ready = self._sender.call_ready_at(_method(held), held.taken.note.channel)
            if self._sender.doubtful:
                ready = max(ready, held.unsure_until)
            if ready > self._clock():
                waiting.append(ready)
                continue
            self._deliver(held)
        return min(waiting, default=None)

    def _deliver(self, held: _Held) -> None:
        note = held.taken.note
        if held.aloud:
            words = f"{mention(note.user)} {note.text}"[:_TEXT]
            outcome = self._sender.call(
                _method(held),
                note.channel,
                lambda: self._slack.say(note.channel, words, thread_ts=note.thread_ts),
            )
        else:
            outcome = self._sender.call(
                _method(held),
                note.channel,
                lambda: self._slack.ephemeral(
                    note.channel, note.user, note.text[:_TEXT], thread_ts=note.thread_ts
                ),
            )
        self._after(held, outcome)

    def _after(self, held: _Held, outcome: Outcome) -> None:
        if isinstance(outcome, RateLimited | Away):
            return
        if isinstance(outcome, Unknown) and not held.aloud:
            held.unsure = min(_UNSURE_MOST, 2 * held.unsure or _UNSURE)
            held.unsure_until = self._clock() + held.unsure
            return  # twice to one person does no harm
        if isinstance(outcome, Failed) and not held.aloud:
            log.info("note_said_aloud", error=outcome.error, channel=held.taken.note.channel)
            held.aloud = True
            return
        if isinstance(outcome, Failed):
            log.warning("note_dropped", why=outcome.error, channel=held.taken.note.channel)
        self._done(held)

    def _done(self, held: _Held) -> None:
        self._outbox.done(held.taken)
        self._held.remove(held)


def _method(held: _Held) -> str:
    return "chat.postMessage" if held.aloud else "chat.postEphemeral"
