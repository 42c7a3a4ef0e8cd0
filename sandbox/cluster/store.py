"""The cluster's memory: objects by resource, one counter of versions, and what changed lately.

Everything here is called on the server's loop and does not wait, so every change is atomic. Whoever
wants to know of changes listens; listeners only note what is to be done, they change nothing.
"""

import random
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.cluster.objects import Item, Json, Key, with_metadata
from sandbox.cluster.resources import Resource, resource, resources
from sandbox.cluster.selecting import Selection
from sandbox.cluster.times import Clock, stamp, wall_clock

__all__ = ["Change", "Collection", "Listener", "Store"]

HISTORY = 20_000
"""Changes kept of each resource for watches: more than a drain of the largest scenario makes."""

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand: no bad words
_NOTHING: Mapping[Key, Item] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One change: an object came, was replaced, or went (then ``item`` is its last version)."""

    kind: Literal["ADDED", "MODIFIED", "DELETED"]
    item: Item
    previous: Item | None

    @property
    def revision(self) -> int:
        """The version that the change made."""
        return self.item.revision


Listener = Callable[[Change], None]


class _Index:
    """Objects by a value that each has, or by several."""

    def __init__(self, values_of: Callable[[Item], Iterable[str]]) -> None:
        self._values_of = values_of
        self._objects: dict[str, dict[Key, Item]] = {}

    def __getitem__(self, value: str) -> Mapping[Key, Item]:
        return self._objects.get(value, _NOTHING)

    def move(self, previous: Item | None, item: Item | None) -> None:
        """Take the previous version out and put the present one in."""
        values = self._values_of(item) if item else ()
        for value in self._values_of(previous) if previous else ():
            if previous and value not in values:
                objects = self._objects[value]
                del objects[previous.key]
                if not objects:
                    del self._objects[value]
        for value in values if item else ():
            if item:
                self._objects.setdefault(value, {})[item.key] = item

    def clear(self) -> None:
        self._objects.clear()


def _namespace(item: Item) -> tuple[str, ...]:
    return (item.key.namespace,)


def _owners(item: Item) -> tuple[str, ...]:
    return tuple(one["uid"] for one in item.metadata.get("ownerReferences") or ())


def _node(item: Item) -> tuple[str, ...]:
    node = item.spec.get("nodeName")
    return (node,) if node else ()


class Collection:
    """The objects of one resource, by name, by namespace, by owner, and pods by node."""

    def __init__(self, resource: Resource, history: int) -> None:
        self.resource = resource
        self.items: dict[Key, Item] = {}
        self.history: deque[Change] = deque(maxlen=history)
        self.forgotten = 0
        self.listeners: list[Listener] = []
        self._by_namespace = _Index(_namespace)
        self._by_owner = _Index(_owners)
        self._by_node = _Index(_node)
        self._indexes = (self._by_namespace, self._by_owner, self._by_node)
        self._sorted: list[Key] | None = None

    def get(self, namespace: str, name: str) -> Item | None:
        """Return an object, or None."""
        return self.items.get(Key(namespace, name))

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self.items.values()))

    def __len__(self) -> int:
        return len(self.items)

    def in_namespace(self, namespace: str) -> list[Item]:
        """Return the objects of a namespace."""
        return list(self._by_namespace[namespace].values())

    def owned_by(self, uid: str) -> list[Item]:
        """Return the objects that name that owner, in the order of their names."""
        owned = self._by_owner[uid]
        return [owned[key] for key in sorted(owned)]

    def on_node(self, node: str) -> list[Item]:
        """Return the pods of a node."""
        return list(self._by_node[node].values())

    def select(self, chosen: Selection) -> list[Item]:
        """Return the chosen objects in the order of namespace and name."""
        items: Mapping[Key, Item] = self.items
        if chosen.node is not None:
            items = self._by_node[chosen.node]
        elif chosen.namespace:
            items = self._by_namespace[chosen.namespace]
        else:
            if self._sorted is None:
                self._sorted = sorted(items)
            return [item for item in map(items.__getitem__, self._sorted) if chosen.matches(item)]
        return [items[key] for key in sorted(items) if chosen.matches(items[key])]

    def forget_history(self, revision: int) -> None:
        """Keep no change up to that version: older watches are told to list again."""
        self.history.clear()
        self.forgotten = revision

    def record(self, change: Change) -> None:
        """Put a change into effect and tell those who listen."""
        item = change.item
        if change.kind == "DELETED":
            del self.items[item.key]
        else:
            self.items[item.key] = item
        if change.kind != "MODIFIED":
            self._sorted = None
        for index in self._indexes:
            index.move(change.previous, None if change.kind == "DELETED" else item)
        if len(self.history) == self.history.maxlen:
            self.forgotten = self.history[0].revision
        self.history.append(change)
        for listener in tuple(self.listeners):
            listener(change)

    def clear(self) -> None:
        """Drop everything without telling anyone."""
        self.items.clear()
        self._sorted = None
        for index in self._indexes:
            index.clear()


class Store:
    """All objects of one cluster. ``seed`` makes uids and generated names come again."""

    def __init__(
        self, *, clock: Clock = wall_clock, seed: int | None = None, history: int = HISTORY
    ) -> None:
        self.clock = clock
        self.revision = 1
        # Names and uids of a stand-in are no secrets.
        self._random = random.Random(seed)  # noqa: S311
        self._collections = {one: Collection(one, history) for one in resources()}

    def __getitem__(self, name: str | Resource) -> Collection:
        found = resource(name) if isinstance(name, str) else name
        return self._collections[found]

    def __iter__(self) -> Iterator[Collection]:
        return iter(self._collections.values())

    def suffix(self, length: int = 5) -> str:
        """Return the random end of a generated name."""
        return "".join(self._random.choices(_SUFFIX_LETTERS, k=length))

    def new_uid(self) -> str:
        """Return a new uid."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def fresh(self, body: Json) -> Json:
        """Return a new object's body with what the server gives it: uid and creation time."""
        return with_metadata(
            body, uid=self.new_uid(), creationTimestamp=stamp(self.clock()), resourceVersion=None
        )

    def add(self, resource: Resource, body: Json) -> Item:
        """Store a new object, whose body has a uid. Its name must be free."""
        item = self._version(body)
        self[resource].record(Change("ADDED", item, None))
        return item

    def replace(self, resource: Resource, item: Item, body: Json) -> Item:
        """Store another version of an object; nothing happens if it says the same."""
        if body == item.body:
            return item
        newer = self._version(body)
        self[resource].record(Change("MODIFIED", newer, item))
        return newer

    def remove(self, resource: Resource, item: Item) -> Item:
        """Take an object away and return its last version."""
        last = self._version(item.body)
        self[resource].record(Change("DELETED", last, item))
        return last

    def forget_history(self) -> None:
        """Forget all changes so far: watches from before must list again."""
        for collection in self:
            collection.forget_history(self.revision)

    def clear(self) -> None:
        """Drop all objects. The counter of versions goes on."""
        for collection in self:
            collection.clear()
        self.revision += 1
        self.forget_history()

    def _version(self, body: Json) -> Item:
        self.revision += 1
        return Item(with_metadata(body, resourceVersion=str(self.revision)), self.revision)
