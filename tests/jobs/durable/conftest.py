"""A worker group in one process: doorbells are taken from the real queue and answered here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis

from jobs.durable import Context, Registry, Runner, Store
from jobs.durable.doorbell import parse, queue_name

Body = Callable[[Context[Any], Any], Any]


@dataclass
class Clock:
    """Milliseconds that a test moves by hand."""

    at: int = 1_000_000_000_000

    def __call__(self) -> int:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


@dataclass
class Group:
    """One worker group: start workflows, answer doorbells, sweep, look."""

    redis: "Redis"
    clock: Clock = field(default_factory=Clock)
    name: str = "prod-eu"
    stopping: bool = False
    lapsed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry = Registry()
        self.store = Store(self.redis, self.name, clock=self.clock)
        self.runner: Runner[Any] = Runner(
            self.store,
            self.registry,
            resources=None,
            owner="slot-1",
            lease=600,
            stopping=lambda: self.stopping,
            on_lapse=lambda: self.lapsed.append("lapsed"),
        )

    def workflow(self, body: Body) -> Body:
        return self.registry.workflow(body.__name__)(body)

    def start(self, name: str, input: Any = None, *, id: str = "op-1", dedup: str = "") -> str:
        return self.store.start(id, name, input, dedup=dedup or id)[1]

    def doorbells(self) -> list[str]:
        jobs = self.redis.lrange(f"rq:queue:{queue_name(self.name)}", 0, -1)
        assert isinstance(jobs, list)
        return jobs

    def work(self, *, most: int = 1000) -> list[str]:
        """Answer doorbells until none rings, at most `most`; returns what became of each."""
        outcomes: list[str] = []
        while len(outcomes) < most:
            job = self.redis.lpop(f"rq:queue:{queue_name(self.name)}")
            if job is None:
                return outcomes
            data = self.redis.hget(f"rq:job:{job}", "data")
            outcomes.append(self.runner.answer(parse(str(data), str(job)), job=str(job)))
        return outcomes

    def sweep(self) -> dict[str, Any]:
        return self.store.sweep()

    def state(self, id: str = "op-1") -> str:
        record = self.store.workflow(id)
        assert record is not None
        return record.state

    def result(self, id: str = "op-1") -> Any:
        record = self.store.workflow(id)
        assert record is not None
        return record.result

    def question(self, id: str = "op-1") -> str:
        """The latest question of a workflow."""
        return self.store.question_ids(id)[-1]


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)
