"""Messages that belong to no operation: they go to the fallback channel, one step at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.message_store import Record
from bot.messages.message import Message
from bot.sender import Sender
from bot.telling import Pace, Place, steps_of

__all__ = ["Homeless"]


@dataclass(frozen=True)
class Homeless:
    """Posts, finds again and gives up such messages as those of operations are.

    `clock` is the sender's, in seconds. A channel that is gone is given up, and holds up nobody.
    """

    sender: Sender
    clock: Callable[[], float]
    channel: str
    pace: Pace

    def go_on(
        self, name: str, message: Message, records: Mapping[str, Record], now_ms: int
    ) -> bool:
        """Do the next step of the message kept as `name` if it is due; whether more may be soon."""
        place = Place(home="", fallback=self.channel)
        steps = steps_of(
            name, [replace(message, channel=self.channel)], records, place,
            token=self.sender.token, pace=self.pace,
        )  # fmt: skip
        for step in steps[:1]:
            if step.not_before <= now_ms and self.sender.ready_at(step) <= self.clock():
                self.sender.carry_out(step, records, place, now_ms)
        return bool(steps)
