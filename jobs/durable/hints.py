"""Which owners seem to be gone: a vanished connection is a hint, never a proof."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MISSING_FOR = 0.3  # seconds: a reconnection takes less
AFTER_RESTART = 5.0  # seconds in which everybody reconnects to a Redis that was restarted


@dataclass
class Hints:
    """Remembers since when an owner's connections are missing. Times are seconds, passed in."""

    run_id: str = ""
    quiet_until: float = 0.0
    missing: dict[str, float] = field(default_factory=dict)

    def gone(
        self, owners: Mapping[str, str], connected: Iterable[str], *, run_id: str, now: float
    ) -> list[str]:
        """Return the workflows whose owner has been missing for long enough.

        `owners` maps running workflows to their owners, `connected` are the names that Redis
        lists. After Redis' `run_id` changed nobody is called missing for a while.
        """
        if run_id != self.run_id:
            self.quiet_until = now + AFTER_RESTART if self.run_id else 0.0
            self.run_id = run_id
            self.missing.clear()
        if now < self.quiet_until:
            return []
        present = set(connected)
        absent = {owner for owner in owners.values() if owner not in present}
        self.missing = {owner: self.missing.get(owner, now) for owner in absent}
        return [
            workflow
            for workflow, owner in owners.items()
            if owner in absent and now - self.missing[owner] >= MISSING_FOR
        ]
