"""The inventory: the nodes of a cluster, kept in Redis by the watcher, read by everybody else.

Keys: inventory          hash    node -> {name, uid, labels, ready, cordoned} (JSON)
      inventory:as_of    string  when it was last known to be right (ms)
      inventory:version  string  another with every change, so that readers may keep what they have

A version never comes again, not even after a Redis that lost everything, or its last writes: else
a reader would keep nodes that are not those of its version.
"""

import json
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

from jobs.durable import Store
from jobs.durable.store import nonce
from jobs.models import ClusterNode, Inventory


class InventoryStore:
    """The inventory of one cluster. A reader keeps its last copy and asks only for the version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = f"{store.prefix}inventory"
        self._copy: tuple[str | None, dict[str, ClusterNode]] = ("", {})
        self._read = Inventory(cluster=store.group)
        self._read_at = float("-inf")
        self._published: dict[str, str] = {}  # by this writer, since its last list
        self._version: str | None = None  # that this writer published, or found right
        self._writer = nonce()
        self._writes = 0
        self._writing = threading.Lock()

    def replace(self, nodes: Iterable[ClusterNode], *, now: int) -> None:
        """Publish a whole list: what is missing from it is gone. The same list changes nothing."""
        mapping = {node.name: node.model_dump_json() for node in nodes}
        with self._writing:
            self._published = mapping
            version = self._store.redis.get(f"{self._key}:version")
            if version is not None and self._store.redis.hgetall(self._key) == mapping:
                self._version = str(version)
                self.confirm(now=now)
                return
            pipe = self._store.redis.pipeline(transaction=True)
            pipe.delete(self._key)
            if mapping:
                pipe.hset(self._key, mapping=cast("Mapping[Any, str]", mapping))
            self._changed(pipe, now)

    def put(self, node: ClusterNode, *, now: int) -> None:
        """Publish one node that is new or has changed; a heartbeat alone writes nothing."""
        text = node.model_dump_json()
        with self._writing:
            if self._published.get(node.name) == text:
                return
            pipe = self._store.redis.pipeline(transaction=True)
            pipe.hset(self._key, node.name, text)
            self._changed(pipe, now)
            self._published[node.name] = text

    def remove(self, name: str, *, now: int) -> None:
        """Publish that a node is gone."""
        with self._writing:
            pipe = self._store.redis.pipeline(transaction=True)
            pipe.hdel(self._key, name)
            self._changed(pipe, now)
            self._published.pop(name, None)

    def _changed(self, pipe: Any, now: int) -> None:
        self._writes += 1
        version = f"{self._writer}-{self._writes}"
        pipe.set(f"{self._key}:version", version)
        pipe.set(f"{self._key}:as_of", now)
        pipe.execute()
        self._version = version

    def intact(self) -> bool:
        """Whether Redis still holds what this writer published.

        It does not after it came back empty or without its last writes, or where another writer
        was at it: then only a new list (:meth:`replace`) is right.
        """
        with self._writing:
            found = self._store.redis.get(f"{self._key}:version")
            return found is not None and found == self._version

    def confirm(self, *, now: int) -> None:
        """Say that what is published is still right."""
        self._store.redis.set(f"{self._key}:as_of", now)

    def read_lately(self, max_age: float) -> Inventory:
        """As :meth:`read`, but it may be as old as `max_age` seconds: many may ask at once."""
        if time.monotonic() - self._read_at > max_age:
            self._read = self.read()
            self._read_at = time.monotonic()
        return self._read

    def read(self) -> Inventory:
        """Return the inventory; `mode` and `owner` come from the node records."""
        pipe = self._store.redis.pipeline(transaction=False)
        pipe.get(f"{self._key}:version")
        pipe.get(f"{self._key}:as_of")
        pipe.smembers(f"{self._store.prefix}owned")
        version, as_of, owned = pipe.execute()
        if version != self._copy[0]:
            raw = cast("dict[str, str]", self._store.redis.hgetall(self._key))
            self._copy = (
                version,
                {name: ClusterNode.model_validate(json.loads(raw[name])) for name in sorted(raw)},
            )
        nodes = dict(self._copy[1])
        self._add_modes(nodes, owned)
        # Without a version nothing was published: as_of may be a word that came after a loss.
        known = int(as_of or 0) if version is not None else 0
        return Inventory(cluster=self._store.group, nodes=tuple(nodes.values()), as_of=known)

    def _add_modes(self, nodes: dict[str, ClusterNode], owned: Iterable[str]) -> None:
        names = [name for name in owned if name in nodes]
        pipe = self._store.redis.pipeline(transaction=False)
        for name in names:
            pipe.hmget(f"{self._store.prefix}node:{name}", ["mode", "owner"])
        for name, (mode, owner) in zip(names, pipe.execute() if names else [], strict=True):
            nodes[name] = nodes[name].model_copy(update={"mode": mode, "owner": owner})
