"""Tells that a cluster's API server is away, and that it is back, in the threads it concerns."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.beside import Told
from bot.homeless import Homeless, carry_on
from bot.message_store import MessageStore, Record
from bot.messages.outage import outage_messages
from bot.messages.progress import PARENT
from bot.sender import Sender
from bot.telling import Pace, place_of, steps_of
from jobs.models import OperationView, Outage

__all__ = ["OutageNotes", "Sources"]

_EVERY = 2.0  # s between two looks
_LATE = 86_400_000  # ms after which nobody is told any more what they were not told in time


@dataclass(frozen=True)
class Sources:
    """Where outages and operations are read."""

    outages: Callable[[], tuple[Outage, ...]]
    operation: Callable[[str], OperationView | None]


class OutageNotes:
    """The outages that one notifier tells of: in each operation's thread, else in `channel`.

    What was said stands beside the operation's other messages, so that it is said once, whoever
    tells. `channel` is the fallback channel, or empty.
    """

    def __init__(
        self,
        sources: Sources,
        sender: Sender,
        store: MessageStore,
        *,
        clock: Callable[[], float],
        channel: str,
    ) -> None:
        self._sources = sources
        self._sender = sender
        self._store = store
        self._clock = clock
        self._channel = channel
        self._homeless = Homeless(sender, clock, channel, Pace())
        self._look_at = float("-inf")
        self._outages: tuple[Outage, ...] = ()
        self._told: dict[tuple[str, int, str], Outage] = {}  # to whom, and what of it

    def begin(self) -> None:
        """Begin a new term: look at once."""
        self._look_at, self._outages = float("-inf"), ()
        self._told.clear()

    def note(self, now_ms: int, told: Told) -> None:
        """Nothing here is about what is told already."""

    def tell(self, now_ms: int) -> None:
        """Do what is due, one call at most. Raises as the client and store do."""
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + _EVERY
            self._outages = tuple(
                outage
                for outage in self._sources.outages()
                if outage.said_at and now_ms - max(outage.said_at, outage.back_at) < _LATE
            )
        for outage in self._outages:
            if self._go_on(outage, now_ms):
                return

    def _go_on(self, outage: Outage, now_ms: int) -> bool:
        """Do the next step of an outage, if one is due; whether Slack was called."""
        threads = 0
        for operation in outage.operations:
            key = (outage.cluster, outage.since, operation)
            view = None if self._told.get(key) == outage else self._sources.operation(operation)
            if key in self._told and view is None:
                threads += 1
            elif view is not None:
                records = self._store.read(operation)
                if PARENT not in records and not view.channel:
                    continue  # it was asked for where there is no Slack
                threads += 1
                if self._in_thread(view, records, outage, now_ms):
                    return True
        return not threads and self._alone(outage, now_ms)

    def _alone(self, outage: Outage, now_ms: int) -> bool:
        key = (outage.cluster, outage.since, "")
        if not self._channel or self._told.get(key) == outage:
            return False
        name = f"{outage.cluster}-away-{outage.since}"
        for message in outage_messages(outage, in_thread=False):
            if self._homeless.go_on(name, message, self._store.read(name), now_ms):
                return True
        self._told[key] = outage
        return False

    def _in_thread(
        self, view: OperationView, records: dict[str, Record], outage: Outage, now_ms: int
    ) -> bool:
        place = place_of(view, records, self._channel)
        messages = outage_messages(outage, in_thread=True)
        steps = steps_of(view.id, messages, records, place, token=self._sender.token, pace=Pace())
        if not steps and all(message.key in records for message in messages):
            self._told[view.cluster, outage.since, view.id] = outage
        return carry_on(self._sender, self._clock, steps, records, place, now_ms)
