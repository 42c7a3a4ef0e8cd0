"""A worker in one process: real Redis, a cluster over real HTTP, doorbells answered in a thread."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from redis import Redis

from jobs.durable import Runner, Store
from jobs.durable.doorbell import UntrustedJob, parse, queue_name
from jobs.guardrails import Guardrails
from jobs.kubernetes import connect
from jobs.models import OperationView, Principal
from jobs.nodes import NodeStore
from jobs.policy import Policy, parse_policy
from jobs.reading import operation_view
from jobs.resources import Resources
from jobs.service import Service
from jobs.watcher import Watcher
from jobs.workflows.registry import registry

T = TypeVar("T")
NAME = "test"
POLICY = """
team: T01
clusters: {test: {}}
channels: {C01: {cluster: test}}
groups: {sre: [U01ANA, U02BO]}
rules:
  - match: {}
    request: [sre]
    start: at_once
    decide: [sre]
    force: {by: [sre], votes: 1}
    max_nodes: 20
defaults: {ask_after: 0s, auto_resume_after_free: 0s, evictions_per_second: 1000}
"""
ANA = Principal(team="T01", user="U01ANA")
BO = Principal(team="T01", user="U02BO")
EVE = Principal(team="T01", user="U03EVE")


def policy(extra: str = "", **replaced: str) -> Policy:
    text = POLICY
    for old, new in replaced.items():
        text = text.replace(old, new)
    return parse_policy(text + extra)


def policy_with(
    defaults: Mapping[str, Any] | None = None,
    rule: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Policy:
    """The policy with other defaults, another rule or more sections."""
    raw = yaml.safe_load(POLICY)
    raw["defaults"] |= defaults or {}
    raw["rules"][0] |= rule or {}
    return parse_policy(yaml.safe_dump(raw | sections))


@dataclass
class Worker:
    """Answers doorbells, keeps and watches, until it is stopped."""

    redis: "Redis"
    resources: Resources
    slots: int = 3
    lease: float = 1.5  # a third of it goes by until a flag is seen
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.store = self.resources.store
        self.runner: Runner[Resources] = Runner(
            self.store,
            registry(),
            self.resources,
            owner="slot-test",
            lease=self.lease,
            stopping=self.stopping.is_set,
            on_lapse=lambda: None,
        )
        self.watcher = Watcher(self.resources, owner="watcher-test")
        mains = [self._slot] * self.slots + [self._keeper, lambda: self.watcher.run(self.stopping)]
        self.threads = [threading.Thread(target=main, daemon=True) for main in mains]

    def _slot(self) -> None:
        queue = f"rq:queue:{queue_name(NAME)}"
        while not self.stopping.is_set():
            taken: Any = self.redis.blpop([queue], timeout=0.1)
            if taken is not None:
                job = str(taken[1])
                data = str(self.redis.hget(f"rq:job:{job}", "data"))
                with suppress(UntrustedJob):  # one that is gone is dropped, as a slot does
                    self.runner.answer(parse(data, job), job=job)

    def _keeper(self) -> None:
        while not self.stopping.wait(0.05):
            self.store.sweep()


@contextmanager
def working(worker: Worker) -> Iterator[Worker]:
    for thread in worker.threads:
        thread.start()
    try:
        yield worker
    finally:
        worker.stopping.set()
        for thread in worker.threads:
            thread.join(10)


def resources(
    redis: "Redis",
    kubeconfig: str,
    *,
    guardrails: Guardrails | None = None,
    policy: Policy | None = None,
) -> Resources:
    store = Store(redis, NAME)
    cluster = connect(kubeconfig, pool=64)
    limits = guardrails or Guardrails()
    return Resources(cluster, store, NodeStore(store), limits, policy=policy)


def until(look: Callable[[], T | None], *, within: float = 60.0, what: str = "") -> T:
    """Look until there is something; the limit is for a test that would hang."""
    end = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what or look}")
        time.sleep(0.01)


def ended(service: Service, operation: str) -> OperationView | None:
    view = service.operation(operation)
    return view if view is not None and view.end is not None else None


def shown(store: Store, operation: str) -> OperationView:
    view = operation_view(store, operation)
    assert view is not None
    return view
