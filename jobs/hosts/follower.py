"""Follows the node that a worker runs on, and opens and shuts the worker's intake by its mode."""

from typing import Protocol

import structlog
from redis.exceptions import RedisError

from jobs.durable import Store
from jobs.durable.guard import uptime
from jobs.durable.intake import Intake
from jobs.hosts.lives import Lives, readable
from jobs.hosts.presence import hosts_of
from jobs.hosts.standing import Standing, standing
from jobs.modes import Action
from jobs.workload import Life, Step
from jobs.workload.stream import StreamObserver

log = structlog.get_logger(__name__)
INTERVAL = 0.1  # seconds between two looks
WRITE_EVERY = 3600.0  # seconds until what is kept is written again, so that it does not lapse


class Stopping(Protocol):
    """What ends it, such as an event that SIGTERM sets."""

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds; return whether it is time to end."""


class Follower:
    """One worker's eye on its own node. Used in one thread.

    `fresh`: the worker has just begun, and has nothing here that a change could have missed; what
    stands then is a halt of this same node, which only a person ends.
    """

    def __init__(self, store: Store, node: str, intake: Intake, *, fresh: bool) -> None:
        self._store = store
        self._node = node
        self._intake = intake
        self._fresh = fresh
        self._lives = Lives(store)
        self._observer = StreamObserver(store.redis, store.group, node)
        self._stood: Standing | None = None
        self._write_at = 0.0

    def run(self, stopping: Stopping) -> None:
        """Follow until it is time to end; a Redis that is away leaves everything as it is."""
        while not stopping.wait(INTERVAL):
            try:
                self.look()
            except RedisError as error:
                log.warning("own_node_not_looked_at", node=self._node, error=str(error))

    def look(self) -> Standing:
        """Take in what has become of the node, and act on it."""
        was, life = self._life(self._lives.kept(self._node))
        while (step := self._observer.next(life)) is not None:
            if not self._keep(was, step.life):
                was = self._lives.kept(self._node)
                life = readable(was) or life
                continue
            was, life = step.life.to_json(), step.life
            self._tell(step)
        self._keep(was, life)
        return self._stand(life)

    def _life(self, was: str) -> tuple[str, Life]:
        """Return what is kept, and the life to go on with."""
        known = readable(was)
        if known is not None and not self._fresh:
            return was, known
        begun = self._observer.begin()
        life = begun.life
        if known is not None and known.state.halted and known.uid in {"", life.uid}:
            life = known
        if not self._keep(was, life):
            return self._life(self._lives.kept(self._node))
        self._fresh = False
        return life.to_json(), life

    def _keep(self, was: str, life: Life) -> bool:
        """Keep a life, at times also one that has not changed; False: somebody was faster."""
        if was == life.to_json() and uptime() < self._write_at:
            return True
        kept = self._lives.keep(self._node, was, life)
        if kept:
            self._write_at = uptime() + WRITE_EVERY
        return kept

    def _stand(self, life: Life) -> Standing:
        # Who takes work needs nobody: others are looked at only where it matters.
        takes = life.state.accepts_new_work
        others = not takes and hosts_of(self._store).elsewhere(self._node)
        stands = standing(life, elsewhere=others)
        self._intake.set(shut=stands.shut)
        if stands is not self._stood:
            self._say(stands, life)
            self._stood = stands
        return stands

    def _tell(self, step: Step) -> None:
        say = log.warning if step.action is Action.HALT else log.info
        say("own_node_changed", node=self._node, change=step.event, action=step.action.value,
            why=step.why)  # fmt: skip

    def _say(self, stands: Standing, life: Life) -> None:
        facts = {"node": self._node, "mode": life.state.mode.value}
        if life.state.halted:
            facts["why"] = life.state.halted_because
        match stands:
            case Standing.TAKES:
                log.info("worker_takes_work", **facts)
            case Standing.RESTS:
                log.info("worker_hands_over", **facts)
            case Standing.ALONE:
                log.warning("worker_is_alone", **facts)
            case Standing.HALTED:
                mend = f"drainbot clear-halt {self._node} --why '…'"
                log.warning("worker_halted", **facts, mend=mend)
