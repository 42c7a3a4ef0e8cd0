"""How soon a settled question lets its workflow go on, alone and among thousands that wait."""

import time
from collections.abc import Callable
from typing import cast

import psutil

from jobs.durable import Store, connect
from sandbox import redis as sandbox_redis
from sandbox.bench.crew import GROUP, crew
from sandbox.bench.figures import percentile, report, say
from sandbox.processes import Process

SETTLED = 200
CROWD = 10_000
SETTLED_AMONG = 100
_WATCHED = 10.0  # seconds that the keeper's processor time is taken over
_PATIENCE = 600.0


def settle_to_resumed() -> None:
    """Settle one question after the other; each time until the workflow's next step begins."""
    with sandbox_redis.running(appendfsync="always") as server:
        store = Store(connect(server.url, name="bench"), GROUP)
        with crew(server.url, slots=2):
            say(f"{SETTLED} questions are settled, one after the other")
            store.start("ask-1", "ask", SETTLED + 1, dedup="ask-1")
            samples = [_settle(store, "ask-1", count) for count in range(SETTLED)]
    report("settle_to_resumed_p50_ms", percentile(samples, 50), "ms", len(samples))
    report("settle_to_resumed_p95_ms", percentile(samples, 95), "ms", len(samples))


def crowd_of_suspended() -> None:
    """Suspend ten thousand workflows on a question each, and look at what that costs."""
    with sandbox_redis.running(appendfsync="always") as server:
        store = Store(connect(server.url, name="bench"), GROUP)
        with crew(server.url, slots=8) as process:
            _wait(lambda: bool(store.redis.exists(f"{store.prefix}workers")))
            before = int(store.redis.info("memory")["used_memory"])
            say(f"{CROWD} workflows suspend on a question each")
            for number in range(CROWD):
                store.start(f"ask-{number}", "ask", 1, dedup=f"ask-{number}")
            _wait(lambda: store.redis.zcard(f"{store.prefix}open") == CROWD)
            used = int(store.redis.info("memory")["used_memory"]) - before
            report("bytes_per_suspended_operation", used / CROWD, "bytes", CROWD)
            report("slots_held_by_10000", float(len(store.running())), "slots", CROWD)
            report("keeper_cpu_share", _keeper_share(process), "of a core", CROWD)
            say(f"{SETTLED_AMONG} of them are settled")
            samples = [_settle(store, f"ask-{number}", 0) for number in range(SETTLED_AMONG)]
    report("settle_to_resumed_p95_ms_among_10000", percentile(samples, 95), "ms", len(samples))


def _settle(store: Store, workflow: str, count: int) -> float:
    _wait(lambda: len(store.question_ids(workflow)) > count)
    question = store.question_ids(workflow)[count]
    began = time.monotonic()
    result = store.settle(question, "retry", by="T:U", call=f"{workflow}:{count}")
    if result != "settled":
        raise RuntimeError(f"{question} was not settled: {result}")
    _wait(lambda: f"on:{count}" in _steps(store, workflow))
    went_on = float(store.steps(workflow)[f"on:{count}"].value or 0)
    return (went_on - began) * 1000


def _steps(store: Store, workflow: str) -> list[str]:
    return cast("list[str]", store.redis.hkeys(f"{store.prefix}wf:{workflow}:steps"))


def _keeper_share(process: Process) -> float:
    """Return the share of a core that the keeper takes: it is the last child of its supervisor."""
    children = psutil.Process(process.pid).children()
    keeper = max(children, key=lambda child: child.pid)
    first, began = sum(keeper.cpu_times()[:2]), time.monotonic()
    time.sleep(_WATCHED)
    return (sum(keeper.cpu_times()[:2]) - first) / (time.monotonic() - began)


def _wait(true: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("what the bench waits for did not happen")
        time.sleep(0.001)
