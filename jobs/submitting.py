"""Start a workflow under a fresh id, once for each request; and whether somebody will take it."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.durable import Store
from jobs.ids import did_you_mean, operation_id
from jobs.models import ClusterNode, Inventory, Refused


def start_new(
    store: Store,
    workflow: str,
    input: Any,
    facts: Any,
    *,
    dedup: str,
    random: Callable[[int], bytes],
) -> tuple[str, str]:
    """Start a workflow; returns what happened (started, known, conflict) and the id that counts.

    `facts` are written to the audit log with it.
    """
    while True:
        id = operation_id(store.group, random(8))
        what, id = store.start(id, workflow, input, dedup=dedup, audit=facts)
        if what != "taken":
            return what, id


def worker_alive(store: Store) -> bool:
    """Whether a worker of the cluster is alive."""
    return bool(store.redis.zcount(f"{store.prefix}workers", store.now(), "+inf"))


def named_nodes(inventory: Inventory, names: Sequence[str]) -> Refused | tuple[ClusterNode, ...]:
    """Return the nodes of these names, or a refusal that names the first one that is not there."""
    by_name = {node.name: node for node in inventory.nodes}
    for name in names:
        if name not in by_name:
            hint = did_you_mean(name, list(by_name))
            said = f"There is no node {name} in {inventory.cluster}. {hint}"
            return Refused(reason=said.strip())
    return tuple(by_name[name] for name in names)
