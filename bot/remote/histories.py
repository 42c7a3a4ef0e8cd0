"""Histories, the audit log and orphaned cordons, over the HTTP API."""

from collections.abc import Sequence
from urllib.parse import quote

from bot.remote.wire import Reply, Wire
from jobs.models import (
    AuditEntry,
    AuditReport,
    History,
    OrphansView,
    Principal,
    Refused,
    Submitted,
)

__all__ = ["RemoteHistories", "RemoteOrphans"]


class RemoteHistories:
    """See :class:`jobs.client.HistoriesClient`: what is read is for the token's person alone."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def of_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str | None = None
    ) -> History | Refused:
        """Return what was done to a node."""
        path = f"/nodes/{quote(node, safe='')}/history"
        return self._history(self._wire.send("GET", path, cluster=cluster))

    def of_operation(
        self, principal: Principal, cluster: str, operation: str, *, channel: str | None = None
    ) -> History | Refused:
        """Return what was done in an operation."""
        return self._history(
            self._wire.send("GET", f"/operations/{quote(operation, safe='')}/history")
        )

    def entries(
        self, principal: Principal, cluster: str, *, first: int = 0, count: int = 100
    ) -> tuple[AuditEntry, ...] | Refused:
        """Return entries of the audit log."""
        path = f"/clusters/{quote(cluster, safe='')}/audit"
        reply = self._wire.send("GET", path, first=first, count=count)
        if reply.failed:
            return reply.refused()
        return tuple(Reply(200, each).read(AuditEntry) for each in reply.body["entries"])

    def verify(
        self, principal: Principal, cluster: str, anchors: Sequence[str] = ()
    ) -> AuditReport | Refused:
        """Examine the whole audit log."""
        path = f"/clusters/{quote(cluster, safe='')}/audit/report"
        reply = self._wire.send("GET", path, anchor=list(anchors))
        return reply.refused() if reply.failed else reply.read(AuditReport)

    def _history(self, reply: Reply) -> History | Refused:
        return reply.refused() if reply.failed else reply.read(History)


class RemoteOrphans:
    """See :class:`jobs.client.OrphansClient`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def ask(
        self,
        principal: Principal,
        cluster: str,
        *,
        undo: tuple[str, ...] = (),
        everything: bool = False,
        channel: str = "",
        dedup: str,
    ) -> Submitted | Refused:
        """Begin a look."""
        path = f"/clusters/{quote(cluster, safe='')}/orphans"
        body = {"undo": list(undo), "everything": everything}
        reply = self._wire.send("POST", path, body, key=dedup)
        return reply.refused() if reply.failed else reply.read(Submitted)

    def answer(self, id: str) -> OrphansView | None:
        """Return what was found, or None while a worker is at it."""
        reply = self._wire.send("GET", f"/orphans/{quote(id, safe='')}")
        return None if reply.gone else reply.found().read(OrphansView)
