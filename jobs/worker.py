"""The worker: a supervisor with its slots, a keeper and a watcher; and what follows its own node.

Everything that is slow to import is imported before the fork, so that a slot that died is back
within milliseconds and shares its memory with the others.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
from redis.exceptions import RedisError

from jobs.audit import Chainer
from jobs.durable import Runner, Store, connect
from jobs.durable.intake import Intake
from jobs.durable.keeper import Keeper, reap_dead
from jobs.durable.slot import Slot, owner_name, owner_prefix
from jobs.durable.supervisor import Role, supervise
from jobs.errors import ConfigError
from jobs.guardrails import Guardrails, load_guardrails
from jobs.hosts import Lives
from jobs.hosts.follower import Follower
from jobs.hosts.lives import readable
from jobs.ids import is_node_name, quoted
from jobs.kubernetes import connect as connect_cluster
from jobs.nodes import NodeStore
from jobs.policy import Policy, load_policy
from jobs.resources import Resources
from jobs.starting import look_at_cluster, wait_for_redis
from jobs.watcher import Watcher
from jobs.workflows.registry import registry

log = structlog.get_logger(__name__)
WATCHER_POOL = 16
PROBE_TIMEOUT = 2.0  # seconds
SPARE_CONNECTIONS = 16  # beside the evictions: watches, and reads of owners


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker is told. Paths that are None leave the defaults; durations in seconds.

    `node_name` is the node that it runs on, whose mode it follows then; "" where it is told none.
    """

    redis_url: str
    cluster: str
    kubeconfig: str | None = None
    policy_path: Path | None = None
    guardrails_path: Path | None = None
    slots: int = 4
    node_name: str = ""
    lease_seconds: float = 3.0


@dataclass(frozen=True)
class _Worker:
    config: WorkerConfig
    policy: Policy | None
    guardrails: Guardrails
    intake: Intake

    def store(self, name: str) -> Store:
        redis = connect(self.config.redis_url, name=name)
        return Store(redis, self.config.cluster)

    def resources(self, store: Store, pool: int) -> Resources:
        cluster = connect_cluster(self.config.kubeconfig, pool=pool)
        return Resources(cluster, store, NodeStore(store), self.guardrails, policy=self.policy)

    def in_flight(self) -> int:
        return self.policy.defaults.evictions_in_flight if self.policy else 32

    def slot(self, before: int) -> int:
        """Answer doorbells until SIGTERM."""
        name = owner_name("slot")
        store = self.store(name)
        if before:
            reap_dead(store, owner_prefix("slot", before))
        resources = self.resources(store, self.in_flight() + SPARE_CONNECTIONS)

        def runner(slot: Slot) -> Runner[Resources]:
            return Runner(
                store, registry(), resources, owner=name, lease=self.config.lease_seconds,
                stopping=lambda: slot.stopping or self.intake.shut,
            )  # fmt: skip

        raw = connect(self.config.redis_url, name=f"{name}-queue", text=False)
        slot = Slot(
            raw, runner, self.config.cluster, name=name, shut=lambda: self.intake.shut
        )  # fmt: skip
        slot.work(logging_level="WARNING")
        return 0

    def keeper(self, _before: int) -> int:
        """Keep until SIGTERM."""
        name = owner_name("keeper")
        keep_for = self.policy.defaults.keep_finished if self.policy else 30 * 86400
        keeper = Keeper(self.store(name), name=name, keep_for=keep_for, host=self.config.node_name)
        stopping, chainer = until_sigterm(), Chainer(self.store(f"{name}-audit"), owner=name)
        threading.Thread(
            target=chainer.run, args=(stopping.wait,), name="audit", daemon=True
        ).start()
        keeper.run(stopping.wait)
        return 0

    def watcher(self, _before: int) -> int:
        """Watch until SIGTERM."""
        name = owner_name("watcher")
        store = self.store(name)
        watcher = Watcher(self.resources(store, WATCHER_POOL), owner=name)
        watcher.run(until_sigterm())
        return 0

    def host(self, before: int) -> int:
        """Follow the worker's own node until SIGTERM."""
        store, node = self.store(owner_name("host")), self.config.node_name
        Follower(store, node, self.intake, fresh=not before).run(until_sigterm())
        return 0


def until_sigterm() -> threading.Event:
    """Return an event that SIGTERM sets."""
    stopping = threading.Event()

    def stop(_signum: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business
    return stopping


def halt_of(config: WorkerConfig) -> Callable[[], str]:
    """Return what says, for a probe, why the worker is halted; "" while it is not."""
    node = config.node_name

    def look() -> str:
        redis = connect(config.redis_url, name="drainbot-probe", patience=0, timeout=PROBE_TIMEOUT)
        try:
            life = readable(Lives(Store(redis, config.cluster)).kept(node))
        except RedisError:
            return "Redis does not answer"
        finally:
            redis.close()
        if life is None or not life.state.halted:
            return ""
        mend = f"drainbot clear-halt {node} --why '…'"
        return f"halted: {life.state.halted_because} Look at it, then: {mend}"

    return look


def run_worker(
    config: WorkerConfig, *, helpers: Mapping[str, Callable[[int], int]] | None = None
) -> int:
    """Run a worker until SIGTERM or SIGINT; returns its exit code.

    `helpers` are further children of the supervisor, by name, such as the one that answers probes.

    Raises :class:`jobs.errors.ConfigError` for a node's name, policy, guardrails or kubeconfig that
    can't be used: before anything is forked.
    """
    if config.node_name and not is_node_name(config.node_name):
        raise ConfigError(
            f"DRAINBOT_NODE_NAME is wrong: {quoted(config.node_name)} is no node's name (for "
            "example node-7)"
        )
    policy = load_policy(config.policy_path) if config.policy_path else None
    worker = _Worker(config, policy, load_guardrails(config.guardrails_path), Intake())
    look_at_cluster(connect_cluster(config.kubeconfig, pool=1))
    wait_for_redis(config.redis_url)
    roles = [Role(f"slot-{n}", worker.slot) for n in range(1, config.slots + 1)]
    roles += [Role("keeper", worker.keeper), Role("watcher", worker.watcher)]
    roles += [Role("host", worker.host)] if config.node_name else []
    roles += [Role(name, main) for name, main in (helpers or {}).items()]
    log.info("worker_started", cluster=config.cluster, slots=config.slots, pid=os.getpid())
    return supervise(roles)
