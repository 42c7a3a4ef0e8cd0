"""Histories that a test puts in, in place of those that are read from the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.models import AuditEntry, AuditReport, History, Principal, Refused


@dataclass
class FakeHistories:
    """Remembers what it was asked for."""

    known: dict[str, History] = field(default_factory=dict)
    log: tuple[AuditEntry, ...] = ()
    report: AuditReport = field(default_factory=lambda: AuditReport(cluster="prod-eu"))
    refuse: Refused | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def of_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str | None = None
    ) -> History | Refused:
        return self._of("node", principal, cluster, node, channel)

    def of_operation(
        self, principal: Principal, cluster: str, operation: str, *, channel: str | None = None
    ) -> History | Refused:
        return self._of("operation", principal, cluster, operation, channel)

    def entries(
        self, principal: Principal, cluster: str, *, first: int = 0, count: int = 100
    ) -> tuple[AuditEntry, ...] | Refused:
        self.asked.append(("entries", principal.id, cluster, first, count))
        return self.refuse or self.log

    def verify(
        self, principal: Principal, cluster: str, anchors: Sequence[str] = ()
    ) -> AuditReport | Refused:
        self.asked.append(("verify", principal.id, cluster, *anchors))
        return self.refuse or self.report

    def _of(
        self, what: str, principal: Principal, cluster: str, about: str, channel: str | None
    ) -> History | Refused:
        self.asked.append((what, principal.id, cluster, about, channel))
        return self.refuse or self.known.get(about, History(cluster=cluster, about=about))
