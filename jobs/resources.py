"""What a worker's workflows and activities act with. Made once per process, after the fork."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.aside import Aside
from jobs.durable import Store, Token
from jobs.guardrails import Guardrails
from jobs.ids import short
from jobs.inventory import InventoryStore
from jobs.kubernetes import Cluster
from jobs.kubernetes.nodes import LastSeen
from jobs.nodes import (
    Changed,
    Lost,
    NodeStore,
    Reservation,
    Reserved,
    Taken,
    WrongMode,
    taken_words,
)
from jobs.policy import Policy
from jobs.policy.caps import caps
from jobs.threads import ThreadStore


@dataclass(frozen=True)
class Resources:
    """The cluster, the state, and the limits that nothing in Redis can widen.

    `policy` is the worker's own copy; without one the limits of the bot's stand alone.
    """

    cluster: Cluster
    store: Store
    nodes: NodeStore
    guardrails: Guardrails
    aside: Aside = field(default_factory=Aside)
    last_seen: LastSeen = field(default_factory=LastSeen)
    policy: Policy | None = None

    @property
    def threads(self) -> ThreadStore:
        """Where the cluster's operations are talked about."""
        return ThreadStore(self.store)

    def reserve(
        self, token: Token, operation: str, nodes: list[list[Any]], *, by: str, why: str
    ) -> str:
        """Reserve nodes, given as [name, uid, counter shown]; returns a refusal in words or "".

        The policy's limits are looked at once more, with what is owned now: since the request was
        taken, another one may have got its nodes, as the other node of the control plane.
        """
        wanted = [Reservation(name, uid, shown) for name, uid, shown in nodes]
        while True:
            owned = self.nodes.owned()
            over = self._over([node.name for node in wanted], frozenset(owned))
            if over:
                return f"{' '.join(over)} Nothing was started."
            result = self.nodes.reserve(
                token, operation, wanted, max_away=self.guardrails.max_nodes_away, by=by, why=why,
                owned=owned,
            )  # fmt: skip
            if not isinstance(result, Changed):  # else somebody came in between: look again
                break
        if isinstance(result, Reserved):
            return ""
        if isinstance(result, Taken):
            return taken_words(dict(result.takers))
        return self.too_many_away(result.away)

    def _over(self, names: list[str], owned: frozenset[str]) -> tuple[str, ...]:
        """Return why the policy lets these nodes not go, with others that are owned already."""
        if self.policy is None:
            return ()
        inventory = InventoryStore(self.store).read()
        nodes = tuple(
            node.model_copy(update={"owner": node.owner or "?"}) if node.name in owned else node
            for node in inventory.nodes
        )
        inventory = inventory.model_copy(update={"nodes": nodes})
        return caps(self.policy, self.store.group, names, inventory)

    def too_many_away(self, away: int) -> str:
        """Say that so many nodes are out of service that the guardrails let no more go."""
        said = "1 node of this cluster is" if away == 1 else f"{away} nodes are"
        return (
            f"{said} away already; this worker's guardrails allow "
            f"{self.guardrails.max_nodes_away}. Nothing was started."
        )

    def adopt(
        self, token: Token, operation: str, node: str, uid: str, *, modes: Sequence[str], by: str,
        why: str,
    ) -> str:  # fmt: skip
        """Take a node that is out of service, to tend it; returns a refusal in words or ""."""
        match self.nodes.adopt(token, operation, node, uid, modes=modes, by=by, why=why):
            case Taken(takers):
                return f"Op {short(takers[0][1])} is at work on {node}: decide there, or abort it."
            case WrongMode(mode):
                return f"{node} is {mode.replace('_', ' ')}, not out of service. Nothing changed."
            case Lost():
                return f"{node} is not held by drainbot, or was made anew. Nothing changed."
        return ""

    def take_over(self, token: Token, operation: str, node: str, *, by: str) -> dict[str, Any]:
        """Take a node from an operation that has ended; `{refused, uid}`."""
        record = self.nodes.record(node)
        if record is None or not record.owner:
            return {"refused": f"{node} is not held by drainbot: nothing to undo.", "uid": ""}
        wanted = [Reservation(node, record.uid, record.counter)]
        result = self.nodes.reserve(
            token, operation, wanted, max_away=2**31, by=by, why="given back"
        )
        if isinstance(result, Taken):
            owner = short(result.takers[0][1])
            return {"refused": f"Op {owner} is at work on {node}: abort it first.", "uid": ""}
        return {"refused": "", "uid": record.uid}
