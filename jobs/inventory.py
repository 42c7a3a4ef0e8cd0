"""The inventory: the nodes of a cluster, kept in Redis by the watcher, read by everybody else.

Keys: inventory          hash    node -> {name, uid, labels, ready, cordoned} (JSON)
      inventory:as_of    string  when it was last known to be right (ms)
      inventory:version  string  raised with every change, so that readers may keep what they have
"""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

from jobs.durable import Store
from jobs.models import ClusterNode, Inventory


class InventoryStore:
    """The inventory of one cluster. A reader keeps its last copy and asks only for the version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = f"{store.prefix}inventory"
        self._copy: tuple[str, dict[str, ClusterNode]] = ("", {})
        self._read = Inventory(cluster=store.group)
        self._read_at = float("-inf")
        self._published: dict[str, str] = {}  # by this writer, since its last list

    def replace(self, nodes: Iterable[ClusterNode], *, now: int) -> None:
        """Publish a whole list: what is missing from it is gone. The same list changes nothing."""
        mapping = {node.name: node.model_dump_json() for node in nodes}
        self._published = mapping
        if self._store.redis.hgetall(self._key) == mapping:
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
        if self._published.get(node.name) == text:
            return
        pipe = self._store.redis.pipeline(transaction=True)
        pipe.hset(self._key, node.name, text)
        self._changed(pipe, now)
        self._published[node.name] = text

    def remove(self, name: str, *, now: int) -> None:
        """Publish that a node is gone."""
        pipe = self._store.redis.pipeline(transaction=True)
        pipe.hdel(self._key, name)
        self._changed(pipe, now)
        self._published.pop(name, None)

    def _changed(self, pipe: Any, now: int) -> None:
        pipe.incr(f"{self._key}:version")
        pipe.set(f"{self._key}:as_of", now)
        pipe.execute()

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
        return Inventory(
            cluster=self._store.group, nodes=tuple(nodes.values()), as_of=int(as_of or 0)
        )

    def _add_modes(self, nodes: dict[str, ClusterNode], owned: Iterable[str]) -> None:
        names = [name for name in owned if name in nodes]
        pipe = self._store.redis.pipeline(transaction=False)
        for name in names:
            pipe.hmget(f"{self._store.prefix}node:{name}", ["mode", "owner"])
        for name, (mode, owner) in zip(names, pipe.execute() if names else [], strict=True):
            nodes[name] = nodes[name].model_copy(update={"mode": mode, "owner": owner})
