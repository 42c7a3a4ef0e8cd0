"""The keeper: lapsed leases, due timers, lost doorbells. Any number run; all they do is atomic."""

from collections.abc import Callable
from typing import Any, cast

import structlog
from redis.exceptions import RedisError

from jobs.durable.guard import uptime
from jobs.durable.hints import Hints
from jobs.durable.store import Store

log = structlog.get_logger(__name__)
INTERVAL = 0.1  # seconds between two looks
FORGET_EVERY = 60.0
PRESENCE = 5000  # ms that a worker counts as alive after its keeper was heard of


class Keeper:
    """Looks after one worker group. `keep_for` is how long ended operations stay, in seconds.

    `host` is where its worker runs, "" where that is not known. Who is alive stands in `workers`
    (zset): `<host>|<name>`, until when (ms).
    """

    def __init__(self, store: Store, *, name: str, keep_for: float, host: str = "") -> None:
        self._store = store
        self._name = name
        self._workers = f"{store.prefix}workers"
        self._member = f"{host}|{name}"
        self._keep_for = keep_for
        self._hints = Hints()
        self._forget_at = 0.0

    def run(self, stopping: Callable[[float], bool]) -> None:
        """Keep until `stopping(seconds)`, which waits that long, says so."""
        while not stopping(INTERVAL):
            try:
                self.tick()
            except RedisError as error:
                log.warning("keeper_waits_for_redis", error=str(error))
        try:
            self._store.redis.zrem(self._workers, self._member)
        except RedisError as error:  # then it lapses
            log.warning("keeper_presence_not_given_up", error=str(error))

    def tick(self) -> None:
        """Look once."""
        store, now = self._store, uptime()
        swept = store.sweep()
        if swept["leases"] or swept["doorbells"]:
            log.info("swept", **{key: swept[key] for key in ("timers", "leases", "doorbells")})
        store.redis.zadd(self._workers, cast("Any", {self._member: store.now() + PRESENCE}))
        self._reap_by_hint(now)
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY
            store.redis.zremrangebyscore(self._workers, "-inf", store.now() - 60_000)
            store.forget(store.now() - int(self._keep_for * 1000))

    def _reap_by_hint(self, now: float) -> None:
        running = self._store.running()
        if not running:
            return
        owners: dict[str, str] = {}
        tokens: dict[str, tuple[int, str]] = {}
        for id in running:
            key = f"{self._store.prefix}wf:{id}"
            owner, epoch, token = self._store.redis.hmget(key, ["owner", "epoch", "nonce"])
            if owner and epoch and token:
                owners[id] = str(owner)
                tokens[id] = (int(epoch), str(token))
        info = self._store.redis.info("server")
        listed = [str(client["name"]) for client in self._store.redis.client_list()]
        gone = self._hints.gone(owners, listed, run_id=str(info["run_id"]), now=now)
        for id in gone:
            result = self._store.reap(id, *tokens[id])
            log.info("reaped_by_hint", workflow=id, owner=owners[id], result=result)


def reap_dead(store: Store, prefix: str) -> None:
    """Take all workflows from owners whose death is certain (their parent waited for them).

    `prefix` is how such an owner's name begins.
    """
    for id in store.running():
        key = f"{store.prefix}wf:{id}"
        who, epoch, token = store.redis.hmget(key, ["owner", "epoch", "nonce"])
        if str(who or "").startswith(prefix) and epoch and token:
            result = store.reap(id, int(epoch), str(token))
            log.info("reaped_after_death", workflow=id, owner=who, result=result)
