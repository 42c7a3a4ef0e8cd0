"""What was asked of the cluster: every change that somebody wanted, and counts of everything."""

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from sandbox.cluster.objects import Json

__all__ = ["Entry", "Journal"]


class Entry(BaseModel):
    """One request that would change something, as it was answered.

    ``carried_out`` is False if a fault answered in the cluster's place, or it was refused.
    ``status`` is None if the connection was cut. ``object_uid`` and ``node`` are those of the
    object (a pod's node, or the node itself) as it was when the request came.
    """

    model_config = ConfigDict(frozen=True)

    time: float
    """When it came, in seconds since the epoch."""
    user: str
    method: str
    path: str
    verb: str
    resource: str
    """With its subresource: `pods/eviction`."""
    namespace: str
    name: str
    uid_precondition: str | None
    dry_run: bool
    status: int | None
    reason: str
    carried_out: bool
    object_uid: str | None
    node: str | None
    body: Json | None
    """Of a patch only."""


class Journal:
    """The log of mutating requests, and the counters of all."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._counts: Counter[str] = Counter()

    def note(self, entry: Entry) -> None:
        """Add a request to the log."""
        self._entries.append(entry)

    def count(self, verb: str, resource: str) -> None:
        """Count a request."""
        self._counts[f"{verb} {resource}"] += 1

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The log, oldest first."""
        return tuple(self._entries)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each verb was used on each resource: {"create pods/eviction": 220}."""
        return dict(self._counts)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._counts.clear()
