"""A worker group in one process: doorbells are taken from the real queue and answered here."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from redis import Redis

from jobs.durable import Context, Registry, Runner, Store
from jobs.durable.doorbell import FUNCTION, parse, queue_name
from jobs.durable.records import QuestionRecord, Token

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
    calls: Iterator[int] = field(default_factory=itertools.count)

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

    def doorbells(self, where: str = "") -> list[str]:
        """The jobs in the queue, or those that a worker has popped and not answered."""
        queue = f"{self.queue}:{where}" if where else self.queue
        return cast("list[str]", self.redis.lrange(queue, 0, -1))

    @property
    def queue(self) -> str:
        return f"rq:queue:{queue_name(self.name)}"

    def work(self, *, most: int = 1000) -> list[str]:
        """Answer doorbells until none rings, at most `most`; returns what became of each."""
        outcomes: list[str] = []
        while len(outcomes) < most:
            job = cast("str | None", self.redis.lpop(self.queue))
            if job is None:
                return outcomes
            data = cast("str", self.redis.hget(f"rq:job:{job}", "data"))
            outcomes.append(self.runner.answer(parse(data, job), job=job))
        return outcomes

    def take(self, id: str = "op-1", *, lease: float = 600) -> Token:
        """Answer a workflow's doorbell without running it: what a test does with it is up to it."""
        job = self.hash(f"wf:{id}")["job"]
        self.redis.lrem(self.queue, 1, job)
        epoch = int(self.hash(f"wf:{id}")["epoch"])
        token = Token(self.name, id, epoch, f"nonce-{epoch}")
        reply = self.store.acquire(
            id, epoch, owner="slot-1", lease=lease, token=token.nonce, job=job
        )
        assert reply["result"] == "acquired"
        return token

    def twice(self, script: str, /, **arguments: Any) -> dict[str, Any]:
        """Send a call, and the same call again to a server that has forgotten every script.

        That is what a client does that lost the reply. Nothing may change the second time, and the
        answer is the same.
        """
        sent = {"group": self.name, "call": f"call-{next(self.calls)}"} | arguments
        self.redis.script_flush()
        first = self.store.scripts.call(script, **sent)
        after = self.dump()
        self.redis.script_flush()
        assert self.store.scripts.call(script, **sent) == first
        assert self.dump() == after
        return first

    def asked(self, id: str = "q-1") -> QuestionRecord:
        """A question as it stands."""
        record = self.store.question(id)
        assert record is not None
        return record

    def hash(self, name: str) -> dict[str, str]:
        return cast("dict[str, str]", self.redis.hgetall(f"drainbot:{self.name}:{name}"))

    def members(self, name: str) -> dict[str, int]:
        """What a sorted set holds, with its scores."""
        pairs = self.redis.zrange(f"drainbot:{self.name}:{name}", 0, -1, withscores=True)
        return {member: int(score) for member, score in cast("list[tuple[str, float]]", pairs)}

    def events(self, *, id: str = "") -> list[str]:
        """The kinds of the events so far, of one workflow or of all."""
        stream = cast("list[Any]", self.redis.xrange(f"drainbot:{self.name}:events"))
        return [entry["kind"] for _, entry in stream if id in {"", entry["wf"]}]

    def dump(self) -> dict[str, Any]:
        """All that Redis holds, queues and events included."""
        read: dict[str, Callable[[str], Any]] = {
            "string": self.redis.get,
            "hash": self.redis.hgetall,
            "list": lambda key: self.redis.lrange(key, 0, -1),
            "set": self.redis.smembers,
            "zset": lambda key: self.redis.zrange(key, 0, -1, withscores=True),
            "stream": self.redis.xrange,
        }
        keys = sorted(cast("Iterator[str]", self.redis.scan_iter()))
        return {key: read[cast("str", self.redis.type(key))](key) for key in keys}

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

    def doorbell_data(self, id: str, epoch: int) -> str:
        """What a doorbell of that epoch carries."""
        return json.dumps([FUNCTION, None, [self.name, id, epoch], {}])
