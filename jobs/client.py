"""What the outside world may do with drainbot: ask, decide, abort, and look.

The bot, the HTTP service and the command line come through here, and only through here, so that
all of them obey the same authorization (:func:`jobs.authorization.may`) and tell the same truth.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from jobs.models import (
    Acted,
    AuditEntry,
    AuditReport,
    Changes,
    Decided,
    DrainRequest,
    Freeze,
    Froze,
    History,
    Inventory,
    OperationView,
    OrphansView,
    Principal,
    QuestionView,
    Readings,
    Refused,
    Submitted,
    Webhook,
)


class Lease(Protocol):
    """A named lease in Redis: at most one holder at a time, by Redis' clock."""

    @property
    def token(self) -> int:
        """The fencing token of the current term; raised with every new holder; 0: not held."""
        ...

    def hold(self) -> bool:
        """Take or renew the lease; False while somebody else holds it.

        To be called more often than a third of its length.
        """
        ...

    def release(self) -> None:
        """Give it up if it is ours."""
        ...


class WebhooksClient(Protocol):
    """Words with which outside systems settle one question each.

    Raises :class:`jobs.errors.StateUnavailable` while Redis is away.
    """

    def make(
        self, principal: Principal, question: QuestionView, choice: str, *, seconds: int, now: int
    ) -> tuple[str, Webhook]:
        """Make one `now` (ms); returns its word, which nobody can be told again."""
        ...

    def find(self, token: str) -> Webhook | None:
        """Return what a word is for, also if it was used or has ended lately."""
        ...

    def used(self, token: str, webhook: Webhook, now: int) -> None:
        """Note that it was used: it is for once."""
        ...

    def of(self, cluster: str) -> tuple[Webhook, ...]:
        """Return those of a cluster that are open, or ended in the last week; the newest first."""
        ...

    def revoke(self, cluster: str, id: str, *, by: str, now: int) -> Webhook | None:
        """Take one back, if it is open; returns how it stands then, None if there is none."""
        ...

    def nonce(self, token: str) -> str:
        """Return the name of the one act that a word stands for, however often it is sent."""
        ...


class OrphansClient(Protocol):
    """Cordons of drainbot's that no operation stands behind; for the command line.

    Raises :class:`jobs.errors.StateUnavailable` while Redis is away.
    """

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
        """Begin a look; with nodes in `undo`, or `everything`, undo these."""
        ...

    def answer(self, id: str) -> OrphansView | None:
        """Return what was found and done, or None while a worker is at it."""
        ...


class HistoriesClient(Protocol):
    """The history of nodes and operations, and the audit log that it is read from.

    Raises :class:`jobs.errors.StateUnavailable` while Redis is away.
    """

    def of_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str | None = None
    ) -> History | Refused:
        """Return what was done to a node, the oldest entry first, also to one that is gone."""
        ...

    def of_operation(
        self, principal: Principal, cluster: str, operation: str, *, channel: str | None = None
    ) -> History | Refused:
        """Return what was done in an operation, also in one that is forgotten.

        `channel` is where it will be read: pods are named only where they may be read there; None
        is somebody's own terminal.
        """
        ...

    def entries(
        self, principal: Principal, cluster: str, *, first: int = 0, count: int = 100
    ) -> tuple[AuditEntry, ...] | Refused:
        """Return `count` entries of the audit log from number `first` on; 0: the last ones."""
        ...

    def verify(
        self, principal: Principal, cluster: str, anchors: Sequence[str] = ()
    ) -> AuditReport | Refused:
        """Examine the whole audit log, against heads (`SEQ:HASH`) noted outside Redis.

        Raises :class:`jobs.errors.DrainbotError` for what is no such head.
        """
        ...


class Counter(Protocol):
    """What only the HTTP service looks at, beside what a :class:`Client` can."""

    @property
    def webhooks(self) -> WebhooksClient:
        """Words with which outside systems settle one question each."""
        ...

    @property
    def orphans(self) -> OrphansClient:
        """Cordons that no operation stands behind."""
        ...

    def questions(self, cluster: str) -> tuple[QuestionView, ...]:
        """Return the open questions of a cluster, those that were asked first at first."""
        ...


class Meter(Protocol):
    """What is counted, for whoever watches over drainbot."""

    def readings(self) -> tuple[Readings, ...]:
        """Return the counts of each cluster."""
        ...


class PeopleClient(Protocol):
    """drainbot as people see it, whichever way they come.

    Raises :class:`jobs.errors.StateUnavailable` while Redis is away; then nothing is known of
    whether an act was recorded, and doing it again is safe with the same `nonce` or `dedup`.
    """

    def clusters(self) -> tuple[str, ...]:
        """Return the clusters that the policy lists."""
        ...

    @property
    def histories(self) -> HistoriesClient:
        """The history of nodes and operations."""
        ...

    def submit(
        self, principal: Principal, request: DrainRequest, *, dedup: str
    ) -> Submitted | Refused:
        """Start an operation if `principal` may; the same `dedup` never starts a second one.

        With `request.plan_only` it takes the same right, asks nobody, and ends as PLANNED with the
        plan in its view.
        """
        ...

    def uncordon(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        """Give a node back that an ended operation left cordoned: undoes only our own cordon."""
        ...

    def maintain(
        self, principal: Principal, cluster: str, node: str, *, expected: int = 0,
        reason: str = "", channel: str, dedup: str,
    ) -> Submitted | Refused:  # fmt: skip
        """Start the maintenance of a node that is drained; `expected` is its length in seconds."""
        ...

    def return_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        """Return a node to service: it is given back when it is what it was before its drain."""
        ...

    def decide(
        self, principal: Principal, question: str, choice: str, *, note: str = "", nonce: str
    ) -> Decided:
        """Answer a question. Counts at most once; the loser of a race is told who won."""
        ...

    def abort(
        self, principal: Principal, operation: str, *, reason: str = "", nonce: str
    ) -> Acted | Refused:
        """Abort an operation: no further eviction beyond requests in flight."""
        ...

    def pause(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        """Pause it: no new node, no new eviction; questions and deadlines stay alive."""
        ...

    def resume(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        """Let a paused operation go on."""
        ...

    def freeze(
        self, principal: Principal, cluster: str, reason: str, *, channel: str = "", nonce: str
    ) -> Froze | Refused:
        """Allow no new eviction anywhere in a cluster, until somebody thaws it."""
        ...

    def thaw(
        self, principal: Principal, cluster: str, *, reason: str = "", channel: str = "", nonce: str
    ) -> Froze | Refused:
        """End a freeze; what waited goes on by itself."""
        ...

    def frozen(self, cluster: str) -> Freeze | None:
        """Return the freeze that holds a cluster, or None."""
        ...

    def operation(self, operation: str) -> OperationView | None:
        """Return one operation, or None. Takes full ids (`prod-eu-7f3k9q`)."""
        ...

    def operations(
        self, cluster: str, *, live_only: bool = False, limit: int = 100
    ) -> tuple[OperationView, ...]:
        """Return the operations of a cluster, the newest first."""
        ...

    def question(self, question: str) -> QuestionView | None:
        """Return one question, or None."""
        ...

    def inventory(self, cluster: str) -> Inventory:
        """Return the nodes of a cluster as the watcher last saw them."""
        ...

    def worker_seen(self, cluster: str) -> bool:
        """Whether a worker of that cluster is alive."""
        ...

    def now(self) -> int:
        """Return Redis' time, in milliseconds since the epoch."""
        ...


class Client(PeopleClient, Protocol):
    """drainbot as the bot sees it, which also tells people what changes."""

    def lately(self, cluster: str, *, since: int) -> tuple[OperationView, ...]:
        """Return all that run, and all that ended since a time (ms), however many they are."""
        ...

    def changes(self, cursors: Mapping[str, str], *, wait: float) -> tuple[Changes, ...]:
        """Return what changed, by cluster, since the cursors (`$`: from now on).

        Waits up to `wait` seconds for something to change. May be empty.
        """
        ...

    def lease(self, name: str, *, seconds: float) -> Lease:
        """Return a named lease for a role of which one holder is wanted, such as the notifier."""
        ...
