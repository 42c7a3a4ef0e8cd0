"""Posts the head of each audit log once a day, so that Redis alone can't rewrite what was done."""

import datetime as dt
from collections.abc import Callable

from bot.beside import Told
from bot.homeless import Homeless
from bot.message_store import MessageStore, Record
from bot.messages.anchor import anchor_message
from bot.sender import Sender
from bot.telling import Pace
from jobs.models import AuditHead

__all__ = ["Anchors"]

_EVERY = 30.0  # s between two looks
_DAY = 86_400_000  # ms


class Anchors:
    """The daily messages of one notifier. What was said is in the message store, by month.

    `look` returns the heads, by cluster; `channel` is empty where nobody is to be told (the
    worker's log has them). The day is UTC's; the first day of a log is told on the next.
    """

    def __init__(
        self,
        look: Callable[[], tuple[AuditHead, ...]],
        sender: Sender,
        store: MessageStore,
        *,
        clock: Callable[[], float],
        channel: str,
    ) -> None:
        self._look = look
        self._messages = Homeless(sender, clock, channel, Pace())
        self._store = store
        self._clock = clock
        self._channel = channel
        self._look_at = float("-inf")
        self._left: tuple[AuditHead, ...] = ()

    def begin(self) -> None:
        """Begin a new term: look at once."""
        self._look_at, self._left = float("-inf"), ()

    def note(self, now_ms: int, told: Told) -> None:
        """Nothing here is about single operations."""

    def tell(self, now_ms: int) -> None:
        """Do what is due for each log, one call at most. Raises as the client and store do."""
        if not self._channel:
            return
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + _EVERY
            self._left = tuple(h for h in self._look() if h.began < now_ms // _DAY * _DAY)
        self._left = tuple(head for head in self._left if self._is_left(head, now_ms))

    def _is_left(self, head: AuditHead, now_ms: int) -> bool:
        """Do the next step for a log if it is due; whether there may be more to do soon."""
        day = now_ms // _DAY
        month, before = _months(day)
        name, key = _name(head, month), f"head:{day}"
        records: dict[str, Record] = self._store.read(name)
        if key not in records:
            said = [*records.values(), *self._store.read(_name(head, before)).values()]
            if head.seq <= max((record.version for record in said), default=0):
                return False  # nothing was done since
        return self._messages.go_on(name, anchor_message(head, key), records, now_ms)


def _name(head: AuditHead, month: str) -> str:
    return f"{head.cluster}-audit-{month}"


def _months(day: int) -> tuple[str, str]:
    """Return the month of a day (since the epoch), and the one before it."""
    at = dt.datetime.fromtimestamp(day * 86_400, tz=dt.UTC)
    return f"{at:%Y-%m}", f"{at - dt.timedelta(days=at.day):%Y-%m}"
