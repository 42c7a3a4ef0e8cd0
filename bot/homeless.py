"""Messages that belong to no operation: they go to the fallback channel, one step at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.message_store import Record
from bot.messages.message import Message
from bot.sender import Sender
from bot.telling import Pace, Place, Step, steps_of

__all__ = ["Homeless", "carry_on"]


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
        carry_on(self.sender, self.clock, steps, records, place, now_ms)
        return bool(steps)


def carry_on(
    sender: Sender, clock: Callable[[], float], steps: Sequence[Step],
    records: Mapping[str, Record], place: Place, now_ms: int,
) -> bool:  # fmt: skip
    """Carry out the first of some steps if it is due; whether Slack was called."""
    for step in steps[:1]:
        if step.not_before <= now_ms and sender.ready_at(step) <= clock():
            sender.carry_out(step, records, place, now_ms)
            return True
    return False
