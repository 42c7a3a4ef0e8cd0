"""The inventory of nodes: written when something changed, read with little."""

from typing import Any

import pytest
from redis import Redis

from jobs.durable import Store
from jobs.inventory import InventoryStore
from jobs.models import ClusterNode


@pytest.fixture
def store(redis: "Redis") -> Store:
    return Store(redis, "test")


def node(name: str, **fields: Any) -> ClusterNode:
    return ClusterNode(name=name, uid=f"uid-{name}", **fields)


def version(store: Store) -> str | None:
    found = store.redis.get(f"{store.prefix}inventory:version")
    return None if found is None else str(found)


def test_a_list_replaces_what_was_published(store: Store) -> None:
    writer, reader = InventoryStore(store), InventoryStore(store)
    assert reader.read().as_of == 0
    writer.replace([node("a"), node("b")], now=5)
    assert reader.read().nodes == (node("a"), node("b"))
    writer.replace([node("b", ready=False)], now=6)
    found = reader.read()
    assert (found.nodes, found.as_of) == ((node("b", ready=False),), 6)
    writer.replace([], now=7)
    assert reader.read().nodes == ()


def test_changes_are_published_and_what_did_not_change_is_not_written(store: Store) -> None:
    writer, reader = InventoryStore(store), InventoryStore(store)
    writer.replace([node("a")], now=5)
    before = version(store)
    writer.put(node("a"), now=6)
    writer.replace([node("a")], now=7)
    InventoryStore(store).replace([node("a")], now=8)  # a watcher that begins
    assert version(store) == before
    assert reader.read().as_of == 8
    writer.put(node("a", cordoned=True), now=9)
    writer.put(node("b"), now=10)
    writer.remove("a", now=11)
    writer.put(node("a"), now=12)
    assert version(store) != before
    found = reader.read()
    assert ({each.name: each.cordoned for each in found.nodes}, found.as_of) == (
        {"a": False, "b": False}, 12,
    )  # fmt: skip


def test_a_reader_asks_for_the_nodes_only_when_they_changed(
    store: Store, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = InventoryStore(store), InventoryStore(store)
    writer.replace([node("a")], now=5)
    reader.read()
    monkeypatch.setattr(redis, "hgetall", lambda _: pytest.fail("read again"))
    writer.confirm(now=6)
    found = reader.read()
    assert (found.nodes, found.as_of) == ((node("a"),), 6)


def test_modes_and_owners_come_from_the_records(store: Store) -> None:
    writer = InventoryStore(store)
    writer.replace([node("a"), node("b")], now=5)
    store.redis.sadd(f"{store.prefix}owned", "a", "gone")
    store.redis.hset(f"{store.prefix}node:a", mapping={"mode": "drained", "owner": "test-abc"})
    shown = {each.name: (each.mode, each.owner) for each in writer.read().nodes}
    assert shown == {"a": ("drained", "test-abc"), "b": ("accepting", "")}
