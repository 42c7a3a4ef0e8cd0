"""Whether a cluster's API server can be seen, for the watcher: said after two minutes, and its end.

Who is told, and how, is the bot's: here it is found out who is concerned, and what is seen when it
is back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from jobs.models import Outage
from jobs.nodes import NodeRecord
from jobs.outages import LOOKS_MOST, Outages, Sight, after_a_look
from jobs.resources import Resources

__all__ = ["ApiSight", "Seen"]

log = structlog.get_logger(__name__)
_TOLD = frozenset({"operation", "node_life", "give_back"})  # workflows that have a thread
_NAMED = 10  # nodes by name
_OPERATIONS_MOST = 50  # that are told of one outage, the newest ones


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a cluster that answers again.

    `fences`: by node the evidence of a lost fence, "" for one that holds; None while not all were
    looked at. `not_ready` are all nodes that are not.
    """

    fences: Mapping[str, str] | None
    not_ready: tuple[str, ...]
    total: int


@dataclass
class ApiSight:
    """Follows one cluster's outages, from the watcher's thread.

    `kept` returns the records of the nodes that are kept out of service.
    """

    resources: Resources
    kept: Callable[[], tuple[NodeRecord, ...]]
    _outages: Outages = field(init=False)
    _known: Outage | None = None
    _read: bool = False

    def __post_init__(self) -> None:
        """Know where outages are kept."""
        self._outages = Outages(self.resources.store)

    def close(self) -> None:
        """Forget what is known: another watcher may have written since."""
        self._known, self._read = None, False

    def look(self, sight: Sight, seen: Callable[[], Seen], again: Callable[[], None]) -> None:
        """Follow what a look at the cluster brought.

        `again` has all looked at anew, and `seen` says what was found since: both only while it
        is heard.
        """
        if not self._read:
            self._known, self._read = self._outages.current(), True
        before = self._known
        after = after_a_look(before, self.resources.store.group, sight)
        if after is not None and after.said_at and not (before and before.said_at):
            after = self._said(after)
        if after is not None and after.back_at:
            if before is None or not before.back_at:
                again()
            else:
                after = self._seen_again(after, seen(), sight.now)
        self._write(before, after)

    def _write(self, before: Outage | None, after: Outage | None) -> None:
        if after == before:
            return
        if after is None:
            if before is not None:
                self._outages.drop(before)
        else:
            self._outages.keep(after)
        self._known = None if after is not None and after.over else after

    def _said(self, outage: Outage) -> Outage:
        store, kept = self.resources.store, self.kept()
        live = [
            id for id in reversed(store.live())
            if (record := store.workflow(id)) and record.parent is None and record.name in _TOLD
        ]  # fmt: skip
        keepers = [r.tended if r.tended in live else r.owner for r in kept]
        concerned = tuple(dict.fromkeys([*keepers, *live]))[:_OPERATIONS_MOST]
        log.error(
            "api_server_is_away", cluster=store.group, since=outage.since, error=outage.why,
            operations=concerned, nodes=[record.name for record in kept],
            message="The API server has not answered for 2 minutes. No fence is lost by that, and "
            "nobody can see whether one is.",
        )  # fmt: skip
        nodes = tuple(record.name for record in kept)
        return outage.model_copy(update={"operations": concerned, "nodes": nodes})

    def _seen_again(self, outage: Outage, seen: Seen, now: int) -> Outage:
        if seen.fences is None and now - outage.back_at < LOOKS_MOST:
            return outage
        found = seen.fences or {}
        log.info(
            "api_server_is_back", cluster=outage.cluster, since=outage.since,
            not_ready=len(seen.not_ready), of=seen.total,
        )  # fmt: skip
        return outage.model_copy(
            update={
                "over": True,
                "held": tuple(name for name, evidence in found.items() if not evidence),
                "lost": {name: evidence for name, evidence in found.items() if evidence},
                "not_ready": seen.not_ready[:_NAMED],
                "unready": len(seen.not_ready),
                "total": seen.total,
            }
        )
