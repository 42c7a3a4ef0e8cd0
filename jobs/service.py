"""drainbot over Redis: every way in (Slack, HTTP, command line) comes through here."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from redis import Redis

from jobs.audit import Facts
from jobs.authorization import (
    Action,
    Target,
    caps,
)
from jobs.deciding import Deciding
from jobs.durable import Store, connect
from jobs.freeze import Freezing
from jobs.histories import Histories
from jobs.inventory import InventoryStore
from jobs.leases import NamedLease, reaching_redis
from jobs.metering import readings_of
from jobs.models import (
    Changes,
    DrainRequest,
    Inventory,
    Memberships,
    OperationView,
    Outage,
    Outcome,
    Principal,
    QuestionView,
    Readings,
    Refused,
    Submitted,
)
from jobs.orphans import Orphans
from jobs.outages import Outages
from jobs.policy import Policy, requirements_for
from jobs.reading import changes_since, open_questions, operation_view, question_view
from jobs.submitting import (
    asked_before,
    begun_by,
    named_nodes,
    nodes_known,
    other_request,
    start_new,
    taken_refusal,
    worker_alive,
)
from jobs.tending import Tending
from jobs.threads import ThreadStore
from jobs.webhooks import Webhooks
from jobs.workflows.inputs import GiveBackInput, OperationInput

INVENTORY_FOR = 0.5  # seconds that a look at the nodes counts for requests
SEEN_FOR = 1.0  # seconds that a look for live workers counts
PATIENCE = 1  # tries after the first one, for a connection that a restart of Redis has broken


def open_client(
    redis_url: str,
    policy: Policy | None,
    *,
    timeout: float,
    people: Callable[[], Memberships] = Memberships,
) -> "Service":
    """Return a client. Its calls fail with :class:`StateUnavailable` after about `timeout` s.

    `people` says who is in which user group; without it nobody's earlier vote rests on one.
    """
    redis = connect(
        redis_url, name=f"drainbot-client-{os.getpid()}", timeout=timeout / (PATIENCE + 1),
        patience=PATIENCE,
    )  # fmt: skip
    return Service(redis, policy, people=people)


class Service(Deciding, Freezing):
    """drainbot over Redis; see :class:`jobs.client.Client` for what each call promises."""

    def __init__(
        self,
        redis: Redis,
        policy: Policy | None,
        *,
        people: Callable[[], Memberships] = Memberships,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._redis = redis
        self._policy = policy
        self._facts = Facts(policy)
        self._people = people
        self._random = random
        self._seen: dict[str, tuple[float, bool]] = {}
        clusters = policy.clusters if policy else ()
        self._stores = {name: Store(redis, name, clock=clock) for name in clusters}
        self._any = next(iter(self._stores.values()), None) or Store(redis, "none", clock=clock)
        self._inventories = {name: InventoryStore(store) for name, store in self._stores.items()}

    def clusters(self) -> tuple[str, ...]:
        """Return the clusters that the policy lists."""
        return tuple(self._stores)

    # -- asking ------------------------------------------------------------------------------

    def submit(
        self, principal: Principal, request: DrainRequest, *, dedup: str
    ) -> Submitted | Refused:
        """Start an operation if `principal` may; the same `dedup` never starts a second one."""
        request = request.model_copy(update={"nodes": tuple(dict.fromkeys(request.nodes))})
        with reaching_redis():
            inventory = self._inventory_of(request.cluster, max_age=INVENTORY_FOR)
            if isinstance(inventory, Refused):
                return inventory
            found = named_nodes(inventory, request.nodes)
            if isinstance(found, Refused):  # it may have joined the cluster just now
                inventory = self._inventories[request.cluster].read()
                found = named_nodes(inventory, request.nodes)
            if isinstance(found, Refused):
                return found
            target = Target(
                cluster=request.cluster,
                nodes={node.name: node.labels for node in found},
                channel=request.channel,
                options=request.options,
                people=self._people(),
            )
            refused = self._may(principal, Action.REQUEST, target)
            if refused is not None:
                return self._as_before(principal, request, dedup) or refused
            policy = cast("Policy", self._policy)
            over = caps(policy, request.cluster, request.nodes, inventory)
            if over and not request.plan_only:  # a plan says it instead
                refused = Refused(reason=f"{' '.join(over)} Nothing was started.")
            elif not request.plan_only:
                refused = taken_refusal(self._stores[request.cluster], found)
            if refused is not None:
                return self._as_before(principal, request, dedup) or refused
            requirements = requirements_for(
                policy, request.cluster, [node.labels for node in found]
            )
            input = OperationInput(
                request=request, requester=principal.id, requirements=requirements, over=over
            )
            facts = self._facts.request(principal, target, request, requirements)
            started = self._start(
                request.cluster, "operation", input.model_dump(mode="json"), facts, dedup=dedup
            )
            if isinstance(started, Refused):  # or only what the policy makes of it is another
                return self._as_before(principal, request, dedup) or started
            return started

    def _as_before(
        self, principal: Principal, request: DrainRequest, dedup: str
    ) -> Submitted | Refused | None:
        """Answer whoever asks the same again after a lost answer; None if it was not asked."""
        store = self._stores[request.cluster]
        before = asked_before(store, request, principal.id, dedup=dedup)
        return self._submitted(store, before) if isinstance(before, str) else before

    def uncordon(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        """Give a node back that an ended operation left cordoned: undoes only our own cordon."""
        with reaching_redis():
            inventory = self._inventory_of(cluster)
            if isinstance(inventory, Refused):
                return inventory
            found = named_nodes(inventory, (node,))
            if isinstance(found, Refused):
                return found
            owner = self.operation(found[0].owner) if found[0].owner else None
            target = Target(
                cluster=cluster,
                nodes={node: found[0].labels},
                channel=channel,
                requester=owner.requester if owner else "",
            )
            refused = self._may(principal, Action.UNCORDON, target)
            if refused is None and not begun_by(self._stores[cluster], dedup):
                refused = taken_refusal(self._stores[cluster], found)
            if refused is not None:
                return refused
            input = GiveBackInput(
                cluster=cluster, node=node, requester=principal.id, channel=channel
            )
            facts = self._facts.uncordon(principal, target)
            return self._start(
                cluster, "give_back", input.model_dump(mode="json"), facts, dedup=dedup
            )

    def maintain(
        self, principal: Principal, cluster: str, node: str, *, expected: int = 0,
        reason: str = "", channel: str, dedup: str,
    ) -> Submitted | Refused:  # fmt: skip
        """Start the maintenance of a node that is drained; `expected` is its length in seconds."""
        return self._tending(dedup).tend(
            principal, "maintenance", cluster, node, expected=expected, reason=reason,
            channel=channel, dedup=dedup,
        )  # fmt: skip

    def return_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        """Return a node to service: it is given back when it is what it was before its drain."""
        return self._tending(dedup).tend(
            principal, "return", cluster, node, channel=channel, dedup=dedup
        )

    def _tending(self, nonce: str) -> Tending:
        def settle(principal: Principal, question: str, choice: str) -> Outcome:
            return self.decide(principal, question, choice, nonce=nonce).outcome

        return Tending(self._stores, self._inventories, self._policy, self._random, settle)

    def _inventory_of(self, cluster: str, *, max_age: float = 0) -> Inventory | Refused:
        return nodes_known(self._policy, self._inventories, cluster, max_age=max_age)

    def _start(
        self, cluster: str, workflow: str, input: dict[str, Any], facts: Any, *, dedup: str
    ) -> Submitted | Refused:
        store = self._stores[cluster]
        what, id = start_new(store, workflow, input, facts, dedup=dedup, random=self._random)
        if what == "conflict":
            return other_request(id)
        drains = workflow == "operation"
        return self._submitted(store, id, created=what == "started", drains=drains)

    def _submitted(
        self, store: Store, id: str, *, created: bool = False, drains: bool = True
    ) -> Submitted:
        return Submitted(
            operation=id, created=created, worker_seen=self._seen_lately(store.group),
            frozen=self.frozen(store.group) if drains else None,
        )  # fmt: skip

    # -- looking -----------------------------------------------------------------------------

    def operation(self, operation: str) -> OperationView | None:
        """Return one operation, or None. Takes full ids (`prod-eu-7f3k9q`)."""
        with reaching_redis():
            store = self._store_of(operation)
            return operation_view(store, operation) if store else None

    def operations(
        self, cluster: str, *, live_only: bool = False, limit: int = 100
    ) -> tuple[OperationView, ...]:
        """Return the operations of a cluster, the newest first."""
        with reaching_redis():
            store = self._stores.get(cluster)
            if store is None:
                return ()
            ids = cast(
                "list[str]", self._redis.zrange(f"{store.prefix}live", 0, limit - 1, desc=True)
            )
            if not live_only:
                ended = cast(
                    "list[str]", self._redis.zrange(f"{store.prefix}ended", 0, limit - 1, desc=True)
                )
                ids = ids + [id for id in ended if id not in set(ids)]
            views = [operation_view(store, id) for id in ids]
            known = [view for view in views if view is not None]
            known.sort(key=lambda view: view.created_at, reverse=True)
            return tuple(known[:limit])

    def lately(self, cluster: str, *, since: int) -> tuple[OperationView, ...]:
        """Return all that run, and all that ended since a time (ms), however many they are."""
        with reaching_redis():
            store = self._stores.get(cluster)
            if store is None:
                return ()
            ended = self._redis.zrange(f"{store.prefix}ended", since, "+inf", byscore=True)
            ids = dict.fromkeys([*store.live(), *cast("list[str]", ended)])
            views = (operation_view(store, id) for id in ids)
            return tuple(view for view in views if view is not None)

    def question(self, question: str) -> QuestionView | None:
        """Return one question, or None."""
        with reaching_redis():
            store = self._store_of(question)
            return question_view(store, question) if store else None

    def questions(self, cluster: str) -> tuple[QuestionView, ...]:
        """Return the open questions of a cluster, those that were asked first at first."""
        with reaching_redis():
            store = self._stores.get(cluster)
            return open_questions(store) if store else ()

    def readings(self) -> tuple[Readings, ...]:
        """Return what is counted of each cluster."""
        with reaching_redis():
            return tuple(readings_of(store) for store in self._stores.values())

    def inventory(self, cluster: str) -> Inventory:
        """Return the nodes of a cluster as the watcher last saw them."""
        with reaching_redis():
            known = self._inventories.get(cluster)
            return Inventory(cluster=cluster) if known is None else known.read()

    @property
    def histories(self) -> Histories:
        """The history of nodes and operations, and the audit log behind it."""
        return Histories(self._stores, self._policy)

    @property
    def webhooks(self) -> Webhooks:
        """Words with which outside systems settle one question each."""
        return Webhooks(self._stores)

    @property
    def orphans(self) -> Orphans:
        """Cordons that no operation stands behind."""
        return Orphans(self._stores, self._policy, self._random)

    def outages(self) -> tuple[Outage, ...]:
        """Return the latest times in which an API server was away, by cluster, the oldest first."""
        with reaching_redis():
            return tuple(o for store in self._stores.values() for o in Outages(store).all())

    def note_thread(self, operation: str, url: str) -> None:
        """Write down where an operation is talked about: the worker shows it on its nodes."""
        with reaching_redis():
            store = self._store_of(operation)
            if store is not None:
                ThreadStore(store).note(operation, url)

    def worker_seen(self, cluster: str) -> bool:
        """Whether a worker of that cluster is alive."""
        with reaching_redis():
            store = self._stores.get(cluster)
            return store is not None and worker_alive(store)

    def _seen_lately(self, cluster: str) -> bool:
        """As :meth:`worker_seen`, but looked up once a second: many may ask at once."""
        known = self._seen.get(cluster)
        if known is None or known[0] <= time.monotonic():
            known = (time.monotonic() + SEEN_FOR, self.worker_seen(cluster))
            self._seen[cluster] = known
        return known[1]

    def changes(self, cursors: Mapping[str, str], *, wait: float) -> tuple[Changes, ...]:
        """Return what changed, by cluster, since the cursors, waiting up to `wait` seconds."""
        with reaching_redis():
            return changes_since(self._stores, cursors, wait=wait)

    def lease(self, name: str, *, seconds: float) -> NamedLease:
        """Return a named lease for a role of which one holder is wanted, such as the notifier."""
        return NamedLease(self._any_store(), name, seconds)

    def now(self) -> int:
        """Return Redis' time, in milliseconds since the epoch."""
        with reaching_redis():
            return self._any_store().now()

    def _any_store(self) -> Store:
        """Return a store for what belongs to no cluster; there is one without a policy too."""
        return self._any
