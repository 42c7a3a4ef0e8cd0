"""Start a workflow under a fresh id, once for each request; and whether somebody will take it."""

from collections.abc import Callable
from typing import Any

from jobs.durable import Store
from jobs.ids import operation_id


def start_new(
    store: Store, workflow: str, input: Any, *, dedup: str, random: Callable[[int], bytes]
) -> tuple[str, str]:
    """Start a workflow; returns what happened (started, known, conflict) and the id that counts."""
    while True:
        what, id = store.start(operation_id(store.group, random(8)), workflow, input, dedup=dedup)
        if what != "taken":
            return what, id


def worker_alive(store: Store) -> bool:
    """Whether a worker of the cluster is alive."""
    return bool(store.redis.zcount(f"{store.prefix}workers", store.now(), "+inf"))
