"""Links what the scripts wrote, one writer a cluster by lease, and says the head in the log.

Whatever it does may be done again, or by two at once: the script lets one go on from each hash.
"""

from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from jobs.audit.chain import Anchor
from jobs.audit.log import PAGE, AuditLog
from jobs.durable import Store
from jobs.durable.guard import uptime

__all__ = ["Chainer"]

log = structlog.get_logger(__name__)
LEASE = 5.0  # seconds
INTERVAL = 0.5  # seconds between two looks for entries
SAY_EVERY = 60.0  # seconds between two words in the log about the head


class Chainer:
    """Links the entries of one cluster while it holds the lease.

    `clock` is in seconds and never goes back.
    """

    def __init__(self, store: Store, *, owner: str, clock: Callable[[], float] = uptime) -> None:
        self._store = store
        self._log = AuditLog(store)
        self._owner = owner
        self._clock = clock
        self._head: Anchor | None = None
        self._said: Anchor | None = None
        self._say_at = float("-inf")
        self._lease_at = float("-inf")
        self._held = False

    def run(self, stopping: Callable[[float], bool]) -> None:
        """Link until `stopping(seconds)`, which waits that long, says so."""
        while not stopping(INTERVAL):
            try:
                self.tick()
            except RedisError as error:
                log.warning("audit_waits_for_redis", error=str(error))
            except Exception:
                # An entry of its own kind must not end the linking, nor the keeper beside it.
                log.exception("audit_not_linked", cluster=self._store.group)
        if self._held:
            self._say()

    def tick(self) -> None:
        """Link what there is, if the lease is ours, and say the head if that is due."""
        if not self._hold():
            self._head = None
            return
        now = self._log.head()
        self._look_back(now.anchor)
        self._head, left = now.anchor, now.waiting
        while left > 0:
            after = self._log.link_more(self._head)
            if after == self._head:
                break
            self._head, left = after, left - PAGE
        if self._clock() >= self._say_at:
            self._say()

    def _look_back(self, now: Anchor | None) -> None:
        """Say it at once if the chain no longer holds what this very process has linked."""
        was = self._head
        if was is None or (now is not None and self._log.hash_of(was.seq) == was.hash):
            return
        log.error(
            "audit_chain_was_changed", cluster=self._store.group, anchor=str(was),
            message="The audit log was changed or cut off, or Redis lost its last writes. Ask "
            f"`drainbot audit verify --anchor {was}`.",
        )  # fmt: skip

    def _say(self) -> None:
        head = self._head
        if head is None or head == self._said:
            return
        self._said, self._say_at = head, self._clock() + SAY_EVERY
        log.info(
            "audit_head", cluster=self._store.group, seq=head.seq, hash=head.hash, anchor=str(head)
        )

    def _hold(self) -> bool:
        if self._clock() >= self._lease_at:
            self._held = self._store.lease("audit", self._owner, LEASE) > 0
            self._lease_at = self._clock() + LEASE / 5
        return self._held
