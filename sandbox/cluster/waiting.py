"""Waiting for the cluster to come to a state, by its changes and not by the clock."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from sandbox.cluster.store import Change, Store

__all__ = ["Waiter"]

T = TypeVar("T")


class Waiter(Generic[T]):
    """Looks once at first and then after changes; those that come together are looked at once.

    ``look`` returns something true when the wait is over. ``done`` then has it, or what it raised.
    """

    def __init__(self, look: Callable[[], T]) -> None:
        self.done: Future[T] = Future()
        self._look_now = look
        self._planned = False

    def attach(self, store: Store) -> None:
        """Begin to listen to all changes of a store."""
        for collection in store:
            collection.listeners.append(self._changed)
        self._look()

    def detach(self, store: Store) -> None:
        """Stop listening."""
        for collection in store:
            collection.listeners.remove(self._changed)

    def _changed(self, _change: Change) -> None:
        if not self._planned:
            self._planned = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._planned = False
        if self.done.done():
            return
        try:
            if found := self._look_now():
                self.done.set_result(found)
        except BaseException as error:  # noqa: BLE001  it belongs to the thread that waits
            self.done.set_exception(error)
