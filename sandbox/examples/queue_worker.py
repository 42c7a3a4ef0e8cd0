"""A queue worker that moves with its work: it gathers orders into batches, and follows its node.

    python -m sandbox.examples.queue_worker work  --node node-1
    python -m sandbox.examples.queue_worker clear --node node-1 --by ana --why "looked at it"

The half-full batch is its checkpoint, on a *seat* that one worker holds at a time. One transaction
takes an order from the queue into the batch, and a full batch into the results; one stores a step
of the node's life with what that does to the seat. So nothing is lost and nothing is done twice,
wherever a worker is killed. A worker that hands over lets go of the seat; whoever accepts new work
on another node takes it and goes on with the batch.

Keys: orders   list    what is to be done
      batches  list    what was done: each order with the worker that took it (JSON)
      seat     string  holder ("" for nobody) and the half-full batch (JSON)
      lives    hash    node -> the life that its worker follows (JSON)
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline

from jobs.workload import Action, Life, Step, clear
from jobs.workload.stream import StreamObserver

ORDERS, BATCHES, SEAT, LIVES = "orders", "batches", "seat", "lives"
FULL = 10  # orders a batch
IDLE = 0.2  # seconds to wait for something to change


@dataclass(frozen=True)
class Seat:
    """Who gathers, and what was gathered: (order, node of the worker that took it)."""

    holder: str = ""
    batch: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str | None) -> "Seat":
        """Read the stored form."""
        if text is None:
            return cls()
        stored = json.loads(text)
        return cls(stored["holder"], tuple((order, node) for order, node in stored["batch"]))

    def text(self) -> str:
        """Return the stored form."""
        return json.dumps(asdict(self))


class QueueWorker:
    """The worker of one node. It reads its life each time: a person may have cleared a halt."""

    def __init__(self, redis: Redis, cluster: str, node: str, say: Callable[[str], None]) -> None:
        self._redis = redis
        self._node = node
        self._say = say
        self._observer = StreamObserver(redis, cluster, node)

    def run(self, stopping: threading.Event) -> None:
        """Work until asked to stop, then hand over: an evicted pod hears no more than that."""
        life = self._life()
        if life is None:
            begun = self._observer.begin()
            self._say(f"begins: {begun.action}")
            self._store(None, begun.life, lambda seat: seat)
        while not stopping.is_set():
            life = self._life()
            if life is None:
                raise SystemExit(f"Somebody has removed the life of {self._node}.")
            worked = life.state.accepts_new_work and self._work()
            step = self._observer.next(life, wait=0 if worked else IDLE)
            if step is not None:
                self._carry_out(life, step)
        life = self._life()
        if life is not None and not life.state.halted and self._store(life, life, self._let_go):
            self._say("stops: lets go of the seat")

    def _life(self) -> Life | None:
        text = cast("str | None", self._redis.hget(LIVES, self._node))
        return None if text is None else Life.from_json(text)

    def _carry_out(self, life: Life, step: Step) -> None:
        """Do what is asked and store the step's life, in one; said when it is done."""
        hands_over = step.action is Action.PERSIST_FINAL_CHECKPOINT
        # The other actions ask for nothing here that the state alone does not say: every order is
        # a checkpoint already, and whoever accepts new work looks for the seat.
        if self._store(life, step.life, self._let_go if hands_over else lambda seat: seat):
            self._say(f"{step.event}: {step.action} {step.why}".rstrip())

    def _let_go(self, seat: Seat) -> Seat:
        return replace(seat, holder="") if seat.holder == self._node else seat

    def _store(self, before: Life | None, after: Life, change: Callable[[Seat], Seat]) -> bool:
        """Store a life and what becomes of the seat; False if somebody changed the life since."""

        def store(pipe: Pipeline) -> bool:
            known = pipe.hget(LIVES, self._node)
            seat = Seat.read(cast("str | None", pipe.get(SEAT)))
            pipe.multi()
            if known != (None if before is None else before.to_json()):
                return False
            pipe.hset(LIVES, self._node, after.to_json())
            pipe.set(SEAT, change(seat).text())
            return True

        return self._transaction(store, LIVES, SEAT)

    def _work(self) -> bool:
        """Take the seat if it is free, and one order if it is ours; whether there was one."""
        taken = ""

        def work(pipe: Pipeline) -> bool:
            nonlocal taken
            taken = ""
            seat = Seat.read(cast("str | None", pipe.get(SEAT)))
            life = Life.from_json(cast("str", pipe.hget(LIVES, self._node)))
            order = cast("str | None", pipe.lindex(ORDERS, 0))
            pipe.multi()
            if not life.state.accepts_new_work or seat.holder not in {"", self._node}:
                return False
            taken = "" if seat.holder else f"takes the seat with {len(seat.batch)} orders"
            seat = replace(seat, holder=self._node)
            if order is not None:
                seat = replace(seat, batch=(*seat.batch, (order, self._node)))
                pipe.lpop(ORDERS)
            if len(seat.batch) == FULL:
                pipe.rpush(BATCHES, json.dumps(seat.batch))
                seat = replace(seat, batch=())
            pipe.set(SEAT, seat.text())
            return order is not None

        worked = self._transaction(work, SEAT, ORDERS, LIVES)
        if taken:
            self._say(taken)
        return worked

    def _transaction(self, act: Callable[[Pipeline], bool], *keys: str) -> bool:
        """Carry out a transaction; it begins anew where one of its keys has changed since."""
        made = self._redis.transaction(cast("Any", act), *keys, value_from_callable=True)
        return cast("bool", made)


def clear_life(redis: Redis, node: str, *, by: str, why: str) -> Step:
    """Clear a worker's halt, for a person. Raises what :func:`jobs.workload.clear` raises."""

    def change(pipe: Pipeline) -> Step:
        text = cast("str | None", pipe.hget(LIVES, node))
        if text is None:
            raise SystemExit(f"There is no worker of {node}.")
        step = clear(Life.from_json(text), by=by, why=why)
        pipe.multi()
        pipe.hset(LIVES, node, step.life.to_json())
        return step

    return cast("Step", redis.transaction(cast("Any", change), LIVES, value_from_callable=True))


def main() -> None:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(description="A queue worker that follows its node.")
    parser.add_argument("act", choices=("work", "clear"))
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--cluster", default="demo")
    parser.add_argument("--node", required=True)
    parser.add_argument("--by", default="")
    parser.add_argument("--why", default="")
    options = parser.parse_args()

    def say(line: str) -> None:
        sys.stdout.write(f"{options.node} {line}\n")
        sys.stdout.flush()

    with Redis.from_url(options.redis, decode_responses=True) as redis:
        if options.act == "clear":
            step = clear_life(redis, options.node, by=options.by, why=options.why)
            say(f"{step.event}: {step.action} {step.why}")
            return
        stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        QueueWorker(redis, options.cluster, options.node, say).run(stopping)


if __name__ == "__main__":
    main()
