"""Tells once, in the fallback channel, what was lost with a Redis that came back empty."""

from collections.abc import Callable

from bot.homeless import Homeless
from bot.message_store import MessageStore, Record
from bot.messages.lost import lost_message
from bot.sender import Sender
from bot.telling import Pace
from jobs.models import LostState

__all__ = ["Losses"]

_EVERY = 5.0  # s between two looks: it hardly ever happens


class Losses:
    """The losses that one notifier tells of. What was said is in the message store, by loss.

    `look` returns what was lost, by cluster; `channel` is empty where nobody is to be told (the
    worker's log has it). A post is begun, found again and given up as those of operations are.
    """

    def __init__(
        self,
        look: Callable[[], tuple[LostState, ...]],
        sender: Sender,
        store: MessageStore,
        *,
        clock: Callable[[], float],
        channel: str,
        pace: Pace,
    ) -> None:
        self._look = look
        self._messages = Homeless(sender, clock, channel, pace)
        self._store = store
        self._clock = clock
        self._channel = channel
        self._look_at = float("-inf")
        self._losses: tuple[LostState, ...] = ()

    def begin(self) -> None:
        """Begin a new term: look at once."""
        self._look_at = float("-inf")

    def tell(self, now_ms: int) -> None:
        """Do what is due for each loss, one call at most. Raises as the client and store do."""
        if not self._channel:
            return
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + _EVERY
            self._losses = self._look()
        self._losses = tuple(lost for lost in self._losses if self._is_left(lost, now_ms))

    def _is_left(self, lost: LostState, now_ms: int) -> bool:
        """Do the next step for a loss if it is due; whether there may be more to do soon."""
        name = f"{lost.cluster}-lost-{lost.at}"
        records: dict[str, Record] = self._store.read(name)
        return self._messages.go_on(name, lost_message(lost), records, now_ms)
