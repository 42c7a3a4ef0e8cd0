"""Start the maintenance of a drained node, or its return to service, for whoever may."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from jobs.audit import Facts
from jobs.authorization import Action, Denied, Target, may
from jobs.durable import Store
from jobs.ids import short
from jobs.inventory import InventoryStore
from jobs.leases import reaching_redis
from jobs.models import (
    ClusterNode,
    DrainOptions,
    Outcome,
    Principal,
    QuestionKind,
    QuestionState,
    Refused,
    Requirements,
    Submitted,
)
from jobs.nodes import NodeRecord, NodeStore
from jobs.policy import Policy, requirements_for
from jobs.reading import operation_view
from jobs.submitting import (
    begun_by,
    is_live,
    named_nodes,
    nodes_known,
    other_request,
    start_new,
    taken_by,
    worker_alive,
)
from jobs.workflows import choices
from jobs.workflows.inputs import LifeInput

WORKFLOW = "node_life"
_ACTIONS = {"maintenance": Action.MAINTENANCE, "return": Action.RETURN}
Verb = Literal["maintenance", "return"]
Settle = Callable[[Principal, str, str], Outcome]  # a question with a choice


def drain_of(store: Store, operation: str) -> tuple[str, str, DrainOptions, Requirements]:
    """Return who asked for an operation, its channel, and the options and requirements of its day.

    What is forgotten comes back empty.
    """
    record = store.workflow(operation)
    asked = record.input if record is not None and isinstance(record.input, dict) else {}
    request = asked.get("request", asked)
    return (
        str(asked.get("requester", "")),
        str(request.get("channel", "")),
        DrainOptions.model_validate(request.get("options") or {}),
        Requirements.model_validate(asked.get("requirements") or {}),
    )


@dataclass(frozen=True)
class _Wish:
    """What somebody asked for; `expected` in seconds."""

    verb: Verb
    expected: int
    reason: str
    channel: str
    dedup: str


class Tending:
    """Both verbs. All calls raise StateUnavailable while Redis is away."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        inventories: Mapping[str, InventoryStore],
        policy: Policy | None,
        random: Callable[[int], bytes],
        settle: Settle,
    ) -> None:
        self._stores = stores
        self._inventories = inventories
        self._policy = policy
        self._random = random
        self._settle = settle

    def tend(
        self,
        principal: Principal,
        verb: Verb,
        cluster: str,
        node: str,
        *,
        expected: int = 0,
        reason: str = "",
        channel: str = "",
        dedup: str,
    ) -> Submitted | Refused:
        """Begin the maintenance of a node, or its return; the same `dedup` never does so twice.

        `expected` is how long the maintenance should take, in seconds, 0 where nobody knows.
        A return of a node in maintenance settles the question of its operation.
        """
        with reaching_redis():
            found = self._node(cluster, node)
            if isinstance(found, Refused):
                return found
            store, seen, policy = found
            before = self._before(store, principal, verb, node, dedup)
            if before is not None:
                return before
            record = NodeStore(store).record(node)
            if record is None or not record.owner or record.uid != seen.uid:
                return Refused(reason=f"{node} is not held by drainbot. Nothing changed.")
            wish = _Wish(verb, expected, reason, channel, dedup)
            return self._begin(principal, wish, store, seen, record, policy)

    def _begin(
        self, principal: Principal, wish: _Wish, store: Store, seen: ClusterNode,
        record: NodeRecord, policy: Policy,
    ) -> Submitted | Refused:  # fmt: skip
        cluster, action = store.group, _ACTIONS[wish.verb]
        asker, _, options, _ = drain_of(store, record.owner)
        target = Target(
            cluster=cluster, nodes={seen.name: seen.labels}, channel=wish.channel, requester=asker
        )
        answer = may(principal, action, target, policy)
        if isinstance(answer, Denied):
            return Refused(reason=answer.reason, who_may=answer.who_may)
        if record.tended and is_live(store, record.tended):
            return self._tended(principal, wish.verb, store, record)
        if is_live(store, record.owner) and record.noted.get("drained_by") != record.owner:
            return taken_by({seen.name: record.owner})  # it drains it still, or gives it back
        life = LifeInput(
            cluster=cluster, node=seen.name, uid=record.uid, requester=principal.id,
            channel=wish.channel, reason=wish.reason, begin=wish.verb, expected=wish.expected,
            options=options, requirements=requirements_for(policy, cluster, [seen.labels]),
        )  # fmt: skip
        facts = Facts(policy).tend(principal, target, action, life.expected, life.reason)
        what, id = start_new(
            store, WORKFLOW, life.model_dump(mode="json"), facts, dedup=wish.dedup,
            random=self._random,
        )  # fmt: skip
        if what == "conflict":
            return other_request(id)
        return Submitted(operation=id, created=what == "started", worker_seen=worker_alive(store))

    def _before(
        self, store: Store, principal: Principal, verb: Verb, node: str, dedup: str
    ) -> Submitted | Refused | None:
        """Answer a request that came before as it was answered then; None for a new one."""
        id = begun_by(store, dedup)
        known = store.workflow(id) if id else None
        if known is None:
            return None
        asked = known.input if isinstance(known.input, dict) else {}
        same = (asked.get("node"), asked.get("begin"), asked.get("requester"))
        if known.name != WORKFLOW or same != (node, verb, principal.id):
            return other_request(id)
        return Submitted(operation=id, created=False, worker_seen=worker_alive(store))

    def _node(self, cluster: str, node: str) -> tuple[Store, ClusterNode, Policy] | Refused:
        inventory = nodes_known(self._policy, self._inventories, cluster)
        if isinstance(inventory, Refused):
            return inventory
        found = named_nodes(inventory, (node,))
        if isinstance(found, Refused):
            return found
        policy = cast("Policy", self._policy)  # without one no node is known
        return self._stores[cluster], found[0], policy

    def _tended(
        self, principal: Principal, verb: Verb, store: Store, record: NodeRecord
    ) -> Submitted | Refused:
        """Say what somebody wants to the operation that tends the node, if it asks for that."""
        view = operation_view(store, record.tended)
        asked = [
            question
            for question in (view.questions if view else ())
            if question.kind is QuestionKind.MAINTENANCE and question.node == record.name
        ]
        alive = worker_alive(store)
        if verb == "return" and asked:
            if asked[-1].state is not QuestionState.OPEN and record.mode == "returning":
                return Submitted(operation=record.tended, created=False, worker_seen=alive)
            if self._settle(principal, asked[-1].id, choices.RETURN) is Outcome.SETTLED:
                return Submitted(operation=record.tended, created=True, worker_seen=alive)
        mode = record.mode.replace("_", " ")
        mode = "in maintenance" if mode == "maintenance" else mode
        return Refused(
            reason=f"{record.name} is {mode}, and op {short(record.tended)} is at it: decide "
            "there, or abort it first. Nothing changed.",
            because="taken",
            takers={record.name: record.tended},
        )
