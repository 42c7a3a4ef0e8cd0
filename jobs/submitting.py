"""Start a workflow under a fresh id, once for each request; and whether somebody will take it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from jobs.authorization import no_policy_refusal
from jobs.durable import Store
from jobs.ids import did_you_mean, operation_id, short
from jobs.inventory import InventoryStore
from jobs.models import ClusterNode, DrainRequest, Inventory, Refused
from jobs.nodes import taken_words
from jobs.policy import Policy


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


def asked_before(
    store: Store, request: DrainRequest, requester: str, *, dedup: str
) -> str | Refused | None:
    """Return the operation that this same request began, or None.

    Whoever asks again after a lost answer is answered as before, also where the request would be
    refused now, because of what it has done since. A refusal: the name was another request's.
    """
    id = begun_by(store, dedup)
    known = store.workflow(id) if id else None
    if known is None:  # none, or so long ago that it is forgotten
        return None
    asked = known.input if isinstance(known.input, dict) else {}
    same = asked.get("request") == request.model_dump(mode="json")
    return id if same and asked.get("requester") == requester else other_request(id)


def begun_by(store: Store, dedup: str) -> str:
    """Return the workflow that a request of this name began, or ""."""
    return cast("str | None", store.redis.get(f"{store.prefix}dedup:{dedup}")) or ""


def is_live(store: Store, operation: str) -> bool:
    """Whether there is such an operation, and it has not ended."""
    record = store.workflow(operation)
    return record is not None and not record.final


def other_request(id: str) -> Refused:
    """Return the refusal of a request that came under the name of another one."""
    return Refused(
        reason=f"This request came under the name of another one, op {short(id)}: ask again. "
        "Nothing was started.",
        because="other_request",
    )


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
            return Refused(reason=said.strip(), because="unknown")
    return tuple(by_name[name] for name in names)


def not_served(policy: Policy | None, clusters: Iterable[str], cluster: str) -> Refused | None:
    """Return the refusal of a cluster that is not served, or of any where there is no policy."""
    if policy is None:
        return Refused(reason=no_policy_refusal())
    known = tuple(clusters)
    if cluster in known:
        return None
    said = f"There is no cluster {cluster} here. Known: {', '.join(known)}."
    return Refused(reason=said, because="unknown")


def nodes_known(
    policy: Policy | None,
    inventories: Mapping[str, InventoryStore],
    cluster: str,
    *,
    max_age: float = 0,
) -> Inventory | Refused:
    """Return the nodes of a cluster, as old as `max_age` seconds; or why nothing can be asked."""
    refused = not_served(policy, inventories, cluster)
    if refused is not None:
        return refused
    store = inventories[cluster]
    inventory = store.read_lately(max_age) if max_age else store.read()
    if max_age and not inventory.as_of:  # a worker may have reported just now
        inventory = store.read()
    if inventory.as_of:
        return inventory
    return Refused(
        reason=f"The nodes of {cluster} are not known yet: no worker of it has reported. "
        "Nothing was started.",
        because="not_known_yet",
    )


def taken_refusal(store: Store, nodes: Iterable[ClusterNode]) -> Refused | None:
    """Return the refusal of nodes that other operations have, which have not ended; or None.

    A courtesy, in one round trip where nobody has them: what counts is the worker's reservation of
    all nodes or none, which is told in the same words.
    """
    wanted = tuple(nodes)
    pipe = store.redis.pipeline(transaction=False)
    for node in wanted:
        pipe.hmget(f"{store.prefix}node:{node.name}", ["owner", "uid"])
    found = zip(wanted, cast("list[tuple[str | None, str | None]]", pipe.execute()), strict=True)
    owners = {node.name: owner for node, (owner, uid) in found if owner and uid == node.uid}
    live = {owner for owner in set(owners.values()) if is_live(store, owner)}
    takers = {name: owner for name, owner in owners.items() if owner in live}
    return taken_by(takers) if takers else None


def taken_by(takers: Mapping[str, str]) -> Refused:
    """Return the refusal that names who has which node."""
    return Refused(reason=taken_words(takers), because="taken", takers=dict(takers))
