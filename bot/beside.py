"""What the one notifier does beside the operations' own messages: the shape of each such part."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from bot.message_store import Record
from jobs.models import OperationView

__all__ = ["Beside", "Told"]

Told = Iterable[tuple[OperationView, Mapping[str, Record]]]
"""The operations that are being told of, each with where its messages are."""


class Beside(Protocol):
    """A part that shares the notifier's lease and thread, and its budget of calls.

    All of it raises :class:`jobs.errors.StateUnavailable` while Redis is away.
    """

    def begin(self) -> None:
        """Begin a new term of the lease."""
        ...

    def note(self, now_ms: int, told: Told) -> None:
        """Look at what is told, before anything is sent; calls nobody but Redis."""
        ...

    def tell(self, now_ms: int) -> None:
        """Send a little of what is due, after what is more urgent."""
        ...
