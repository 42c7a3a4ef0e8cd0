"""Orphaned cordons in memory, in place of those that a worker finds."""

from dataclasses import dataclass, field

from jobs.models import (
    Decided,
    OrphansView,
    OrphanView,
    Outcome,
    Principal,
    Refused,
    Submitted,
    Webhook,
)


@dataclass
class FakeOrphans:
    """Answers at the second look, as a worker does that needs a moment."""

    found: tuple[OrphanView, ...] = ()
    refuse: Refused | None = None
    failed: str = ""
    asked: list[tuple[str, tuple[str, ...], bool, str]] = field(default_factory=list)
    looks: int = 0

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
        if self.refuse:
            return self.refuse
        assert principal.via == "cli"
        assert dedup
        self.asked.append((cluster, undo, everything, channel))
        return Submitted(operation=f"{cluster}-0rphan", created=True, worker_seen=False)

    def answer(self, id: str) -> OrphansView | None:
        assert id.endswith("-0rphan")
        self.looks += 1
        if self.looks == 1:
            return None
        cluster, undo, everything, _ = self.asked[-1]
        known = {orphan.node for orphan in self.found}
        shown = [
            orphan.model_copy(update={"undone": True, "what": "our cordon is undone"})
            if (everything or orphan.node in undo) and not orphan.foreign
            else orphan
            for orphan in self.found
        ]
        return OrphansView(
            cluster=cluster,
            orphans=tuple(shown),
            refused={name: "no orphaned cordon is on it" for name in undo if name not in known},
            failed=self.failed,
        )


class NoHooks:
    """There is no question that a webhook could be made for, and none was made."""

    def make(self, _question: str, _choice: str, _seconds: int) -> Decided:
        return Decided(outcome=Outcome.UNKNOWN)

    def all(self, _cluster: str) -> tuple[Webhook, ...]:
        return ()

    def revoke(self, _cluster: str, id: str) -> Refused:
        return Refused(reason=f"There is no webhook {id}.", because="unknown")
