"""What all controllers share: they listen to changes, note keys, and act on them a little later.

A controller acts on the server's loop in one go, from the present state and never from the change
that woke it: many changes in the meantime are one action, and a repeat does no harm.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Protocol

from sandbox.cluster.objects import Item
from sandbox.cluster.resources import Resource
from sandbox.cluster.rest import Rest
from sandbox.cluster.store import Change, Listener, Store
from sandbox.cluster.timing import Timing

__all__ = ["Controller", "World"]


class World(Protocol):
    """What controllers see of the cluster."""

    store: Store
    rest: Rest
    timing: Timing


class Controller:
    """One controller. A subclass listens in :meth:`watch` and looks at everything in `resync`."""

    name: str

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = world.store
        self.rest = world.rest
        self.running = False
        self._timers: dict[Hashable, asyncio.Handle] = {}
        self._due: dict[Hashable, float] = {}
        self._listening: list[tuple[Resource, Listener]] = []

    @property
    def timing(self) -> Timing:
        """The present delays."""
        return self.world.timing

    def start(self) -> None:
        """Listen, and look at what is there. Repeating does nothing."""
        if not self.running:
            self.running = True
            self.watch()
            self.resync()

    def stop(self) -> None:
        """Stop listening and forget what was to be done. Repeating does nothing."""
        self.running = False
        for resource, listener in self._listening:
            self.store[resource].listeners.remove(listener)
        self._listening.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._due.clear()

    def watch(self) -> None:
        """Say what to listen to, by :meth:`listen`."""
        raise NotImplementedError

    def resync(self) -> None:
        """Note everything that is there already."""
        raise NotImplementedError

    def listen(self, resource: Resource, listener: Callable[[Change], None]) -> None:
        """Call the listener at each change of the resource, until the controller stops."""
        self.store[resource].listeners.append(listener)
        self._listening.append((resource, listener))

    def later(self, key: Hashable, delay_s: float, work: Callable[[], None]) -> None:
        """Do that work for a key after a delay; what is planned for it sooner already, stays."""
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s / self.timing.speed
        if key in self._due and self._due[key] <= due:
            return
        self.forget(key)
        self._due[key] = due

        def run() -> None:
            del self._timers[key], self._due[key]
            work()

        # A delay of nothing keeps its place in line: another request may not come before it.
        timer = loop.call_at(due, run) if delay_s else loop.call_soon(run)
        self._timers[key] = timer

    def forget(self, key: Hashable) -> None:
        """Drop what is planned for a key."""
        timer = self._timers.pop(key, None)
        self._due.pop(key, None)
        if timer:
            timer.cancel()

    def current(self, resource: Resource, item: Item) -> Item | None:
        """Return the present version of an object; None if it is gone or another has its name."""
        found = self.store[resource].get(*item.key)
        return found if found and found.uid == item.uid else None
