"""How fast workflows store their steps, and how fast a long history is replayed.

A client is a process of its own that runs one workflow: straight-line code whose every step is
stored, fenced and fsynced before the next one begins. Nothing is batched.
"""

import multiprocessing
import time
from typing import Any

from redis import Redis

from jobs.durable import Context, Registry, Runner, Store, connect
from jobs.durable.doorbell import Doorbell
from sandbox import redis as sandbox_redis
from sandbox.bench.figures import percentile, report, say

GROUP = "bench"
SECONDS = 3.0
HISTORY = 1_000
ROUNDS = 15
_WARM = 50


def steps_per_second() -> None:
    """Store steps as fast as one client, and eight, can."""
    runs: tuple[tuple[sandbox_redis.Fsync, int], ...]
    runs = (("always", 1), ("always", 8), ("everysec", 8))
    for fsync, clients in runs:
        rate, stored = _measure(fsync, clients)
        words = f"steps_per_second_{fsync}_{clients}_client{'s' if clients > 1 else ''}"
        report(words, rate, "1/s", stored)


def _measure(fsync: sandbox_redis.Fsync, clients: int) -> tuple[float, int]:
    say(f"{clients} clients store steps for {SECONDS:g} s, appendfsync {fsync}")
    context = multiprocessing.get_context("fork")
    with sandbox_redis.running(appendfsync=fsync) as server:
        gate, counts = context.Barrier(clients), context.Queue()
        processes = [
            context.Process(target=_client, args=(server.url, number, gate, counts))
            for number in range(clients)
        ]
        for process in processes:
            process.start()
        found = [counts.get(timeout=SECONDS + 60) for _ in processes]
        for process in processes:
            process.join(timeout=10)
    stored = sum(count for count, _ in found)
    return stored / max(seconds for _, seconds in found), stored


def _client(url: str, number: int, gate: Any, counts: Any) -> None:
    store = Store(connect(url, name=f"bench-{number}"), GROUP)
    measured: list[tuple[int, float]] = []

    def steps(ctx: Context[Any], _input: Any) -> None:
        for count in range(_WARM):
            ctx.step(f"warm:{count}", int, count)
        gate.wait()
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            ctx.step(f"step:{count}", int, count)
            count += 1
        measured.append((count, time.perf_counter() - began))

    run(store, f"bench-{number}", steps)
    counts.put(measured[0])


def replay_long_history() -> None:
    """Run a workflow of a thousand stored steps again from its top."""
    say(f"{HISTORY} stored steps are replayed {ROUNDS} times")
    with sandbox_redis.running(appendfsync="always") as server:
        store = Store(connect(server.url, name="bench"), GROUP)
        samples: list[float] = []

        def history(ctx: Context[Any], _input: Any) -> None:
            began = time.perf_counter()
            for count in range(HISTORY):
                ctx.step(f"step:{count}", int, count)
            samples.append((time.perf_counter() - began) * 1000)
            ctx.sleep(f"again:{len(samples)}", 0)

        _rounds(store, history)
    report("replay_1000_steps_ms", percentile(samples[1:], 50), "ms", len(samples) - 1)


def _rounds(store: Store, body: Any) -> None:
    run(store, "bench-1", body)
    for _ in range(ROUNDS):
        # The same history again, whatever it waited for.
        _ready(store.redis, "bench-1")
        run(store, "bench-1", body)


def _ready(redis: "Redis", id: str) -> None:
    key = f"drainbot:{GROUP}:wf:{id}"
    redis.hset(key, mapping={"state": "ready"})
    redis.hdel(key, "wait")


def run(store: Store, id: str, body: Any) -> str:
    """Start a workflow with that body, if it is not there, and run it until it waits or ends."""
    registry = Registry()
    registry.workflow("bench")(body)
    store.start(id, "bench", None, dedup=id)
    record = store.workflow(id)
    if record is None:
        raise RuntimeError(f"{id} was not started")
    runner = Runner(store, registry, None, owner="bench", lease=60)
    return runner.answer(Doorbell(GROUP, id, record.epoch))
