"""The example of docs/workloads.md in processes of its own, on nodes that are really drained."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

from sandbox.cluster import nodes
from sandbox.examples.queue_worker import BATCHES, FULL, LIVES, ORDERS, SEAT, Seat
from sandbox.processes import Process, Processes
from tests.jobs.harness import NAME, until
from tests.jobs.story import Story

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds: far more than anything here takes, also on a busy machine
Play = Callable[..., Story]


class Shop:
    """Orders that come in, and the workers that gather them."""

    def __init__(self, redis: "Redis", url: str, processes: Processes) -> None:
        self.redis = redis
        self._url = url
        self._processes = processes
        self._ordered = 0

    def worker(self, node: str) -> Process:
        return self._start("work", node)

    def clear(self, node: str, *, by: str = "ana", why: str = "looked at it") -> Process:
        return self._start("clear", node, "--by", by, "--why", why)

    def _start(self, act: str, node: str, *more: str) -> Process:
        program = [sys.executable, "-m", "sandbox.examples.queue_worker", act]
        where = ["--redis", self._url, "--cluster", NAME, "--node", node]
        return self._processes.start([*program, *where, *more], name=f"{act} {node}", cwd=ROOT)

    def order(self, count: int) -> None:
        self.redis.rpush(ORDERS, *range(self._ordered, self._ordered + count))
        self._ordered += count

    def orders_in_pieces(self, pieces: int, each: int) -> None:
        for _ in range(pieces):
            self.order(each)

    def gathered_more_than(self, batches: int) -> bool:
        return len(self.batches()) > batches

    def seat(self) -> Seat:
        return Seat.read(cast("str | None", self.redis.get(SEAT)))

    def batches(self) -> list[list[list[str]]]:
        return [json.loads(text) for text in cast("list[str]", self.redis.lrange(BATCHES, 0, -1))]

    def waits_with(self, orders: int) -> None:
        """Wait until nothing is left to take, and so many orders are in the half-full batch."""
        until(
            lambda: not self.redis.llen(ORDERS) and len(self.seat().batch) == orders,
            within=PATIENCE, what=f"{orders} orders on the seat",
        )  # fmt: skip

    def all_done_once(self) -> None:
        """Wait for all batches; each order is in exactly one of them, in its place."""
        until(
            lambda: len(self.batches()) * FULL == self._ordered,
            within=PATIENCE, what="all batches",
        )  # fmt: skip
        done = [order for batch in self.batches() for order, _ in batch]
        assert done == [str(number) for number in range(self._ordered)]


@pytest.fixture
def shop(redis: "Redis", redis_url: str) -> Iterator[Shop]:
    with Processes() as processes:
        yield Shop(redis, redis_url, processes)


def says(worker: Process, pattern: str) -> Any:
    return worker.wait_for_line(pattern, within_s=PATIENCE)


def test_work_moves_from_a_node_that_drains_to_another_nothing_lost_nothing_twice(
    play: Play, shop: Shop
) -> None:
    story = play(nodes("node-1", "node-2"))
    first = shop.worker("node-1")
    says(first, "takes the seat with 0 orders")
    second = shop.worker("node-2")
    says(second, "begins: accept")
    shop.order(25)
    shop.waits_with(5)

    operation = story.submit("node-1")
    says(first, "drain_started: checkpoint_and_drain")
    says(first, "drain_confirmed: persist_final_checkpoint")
    says(second, "takes the seat with 5 orders")
    story.finish(operation)
    shop.order(15)
    shop.all_done_once()

    assert first.alive()  # it takes nothing new, and waits for its node
    who = Counter(node for _, node in shop.batches()[2])
    assert who == {"node-1": 5, "node-2": 5}
    assert {node for _, node in shop.batches()[3]} == {"node-2"}

    second.stop()
    says(second, "lets go of the seat")
    story.give_back("node-1")
    says(first, "drain_given_up|maintenance_skipped: quiesce")
    says(first, "returned_to_service: resume_from_checkpoint")
    says(first, "takes the seat")
    shop.order(10)
    shop.all_done_once()


def test_a_worker_that_is_killed_at_any_moment_of_a_drain_goes_on_from_what_it_had_stored(
    play: Play, shop: Shop
) -> None:
    story = play(nodes("node-1", "node-2"))
    first = shop.worker("node-1")
    says(first, "takes the seat")
    second = shop.worker("node-2")
    says(second, "begins")
    feeder = threading.Thread(target=shop.orders_in_pieces, args=(250, 4))
    feeder.start()
    for _ in range(3):
        before = len(shop.batches())
        until(partial(shop.gathered_more_than, before), within=PATIENCE, what="a batch")
        first.kill()
        first = shop.worker("node-1")
    operation = story.submit("node-1")
    first.kill()
    first = shop.worker("node-1")
    says(first, "drain_confirmed: persist_final_checkpoint")
    story.finish(operation)
    feeder.join(timeout=PATIENCE)
    shop.all_done_once()
    assert shop.seat().holder == "node-2"


def test_a_pod_that_is_evicted_hands_over_though_it_never_sees_the_end_of_the_drain(
    shop: Shop,
) -> None:
    first = shop.worker("node-1")
    says(first, "takes the seat")
    shop.order(13)
    shop.waits_with(3)
    assert first.stop() == 0
    second = shop.worker("node-2")
    says(second, "takes the seat with 3 orders")
    shop.order(7)
    shop.all_done_once()


def test_a_worker_that_missed_something_does_nothing_until_a_person_says_so(
    redis: "Redis", play: Play, shop: Shop
) -> None:
    story = play(nodes("node-1", "node-2"))
    first = shop.worker("node-1")
    says(first, "takes the seat")
    shop.order(13)
    shop.waits_with(3)
    first.kill()
    story.finish(story.submit("node-1"))
    story.give_back("node-1")
    redis.xtrim(f"drainbot:{NAME}:events", maxlen=0, approximate=False)

    first = shop.worker("node-1")
    says(first, "transitions_missed: halt Changes of node-1 were missed")
    shop.order(7)
    refused = shop.clear("node-1", by="")
    assert refused.wait(within_s=PATIENCE) != 0
    assert "say who and why" in "\n".join(refused.lines())
    assert (redis.llen(ORDERS), len(shop.seat().batch)) == (7, 3)
    first.kill()
    shop.worker("node-1")  # also when it is started again
    assert json.loads(str(redis.hget(LIVES, "node-1")))["halted"]

    cleared = shop.clear("node-1", why="it was idle meanwhile")
    says(cleared, "halt_cleared: accept ana: it was idle meanwhile")
    shop.all_done_once()
