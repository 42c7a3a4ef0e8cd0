"""The history of nodes and operations, and the audit log that it is read from, over Redis.

A node's history goes on when its operations are forgotten after 30 days: the log is never cut.
"""

from collections.abc import Mapping, Sequence

from jobs.audit import (
    Anchor,
    AuditLog,
    Finding,
    entry_of,
    examine,
    genesis,
    of_node,
    of_operation,
    without_pods,
)
from jobs.authorization import Action, Denied, Target, may
from jobs.durable import Store
from jobs.errors import DrainbotError
from jobs.leases import reaching_redis
from jobs.models import (
    AuditEntry,
    AuditFinding,
    AuditHead,
    AuditReport,
    History,
    Principal,
    Refused,
)
from jobs.policy import Policy

__all__ = ["Histories"]

MOST = 400  # entries of one history: what a person reads, and Redis answers in one go


class Histories:
    """For whoever may look at the cluster. All calls raise StateUnavailable while Redis is away."""

    def __init__(self, stores: Mapping[str, Store], policy: Policy | None) -> None:
        self._stores = stores
        self._policy = policy

    def of_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str | None = None
    ) -> History | Refused:
        """Return what was done to a node, as :meth:`of_operation` does."""
        return self._history(principal, cluster, node, of_node(node), channel)

    def of_operation(
        self, principal: Principal, cluster: str, operation: str, *, channel: str | None = None
    ) -> History | Refused:
        """Return what was done in an operation, the last 400 entries at most.

        `channel` is where it will be read: pods are named only for operations that are told there,
        or where the policy's owners of their namespace are; None is somebody's own terminal.
        """
        return self._history(principal, cluster, operation, of_operation(operation), channel)

    def entries(
        self, principal: Principal, cluster: str, *, first: int = 0, count: int = 100
    ) -> tuple[AuditEntry, ...] | Refused:
        """Return `count` entries of the log from number `first` on; 0: the last ones."""
        refused = self._refusal(principal, cluster)
        if refused is not None:
            return refused
        with reaching_redis():
            log = AuditLog(self._stores[cluster])
            begin = first or max(1, log.head().written - count + 1)
            hashes = log.hashes(begin, count)
            return tuple(
                entry_of(text, seq, hashes.get(seq, "")) for seq, text in log.numbered(begin, count)
            )

    def verify(
        self, principal: Principal, cluster: str, anchors: Sequence[str] = ()
    ) -> AuditReport | Refused:
        """Examine the whole log, against `SEQ:HASH` that were noted outside Redis.

        Raises :class:`DrainbotError` for what is no anchor.
        """
        refused = self._refusal(principal, cluster)
        if refused is not None:
            return refused
        try:
            noted = [Anchor.parse(anchor) for anchor in anchors]
        except ValueError as error:
            raise DrainbotError(f"--anchor: {error}.") from error
        with reaching_redis():
            store = self._stores[cluster]
            log = AuditLog(store)
            hashes, entries = log.pages()
            found = examine(entries, hashes, genesis(cluster), noted)
            waiting = log.numbered(found.linked + 1, 1) if found.waiting else []
            return AuditReport(
                cluster=cluster,
                linked=found.linked,
                written=found.written,
                head=str(found.head) if found.head else "",
                waiting=found.waiting,
                waiting_since=entry_of(waiting[0][1], 1).at if waiting else 0,
                findings=tuple(_shown(finding) for finding in found.findings),
                more=found.more,
                good=found.good,
                examined_at=store.now(),
            )

    def heads(self) -> tuple[AuditHead, ...]:
        """Return the end of each cluster's log, of those in which anything is linked."""
        with reaching_redis():
            return tuple(head for store in self._stores.values() if (head := _head(store)))

    def _history(
        self, principal: Principal, cluster: str, about: str, subject: str, channel: str | None
    ) -> History | Refused:
        refused = self._refusal(principal, cluster)
        if refused is not None:
            return refused
        with reaching_redis():
            found, earlier = AuditLog(self._stores[cluster]).about(subject, MOST)
        entries = tuple(entry_of(text, seq) for seq, text in found)
        if channel is not None:
            entries = without_pods(entries, channel, self._owned(channel))
        return History(cluster=cluster, about=about, entries=entries, earlier=earlier)

    def _owned(self, channel: str) -> frozenset[str]:
        """Return the namespaces whose owners are told in a channel."""
        owners = self._policy.owners.items() if self._policy else ()
        return frozenset(namespace for namespace, owner in owners if owner.channel == channel)

    def _refusal(self, principal: Principal, cluster: str) -> Refused | None:
        answer = may(principal, Action.READ, Target(cluster=cluster), self._policy)
        if isinstance(answer, Denied):
            return Refused(reason=answer.reason, who_may=answer.who_may)
        return None


def _shown(finding: Finding) -> AuditFinding:
    return AuditFinding(kind=finding.kind.value, seq=finding.seq, place=finding.place)


def _head(store: Store) -> AuditHead | None:
    log = AuditLog(store)
    anchor = log.head().anchor
    if anchor is None:
        return None
    began = entry_of(log.numbered(1, 1)[0][1], 1).at
    return AuditHead(cluster=store.group, seq=anchor.seq, hash=anchor.hash, began=began)
