"""How soon another worker goes on: after SIGTERM, and after a host that fell silent."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import psutil

from jobs.durable import Store, connect
from sandbox import redis as sandbox_redis
from sandbox.bench.crew import GROUP, crew
from sandbox.bench.figures import percentile, report, say
from sandbox.processes import Process

HANDOVERS = 40
SILENCES = 6
LEASE = 3.0
_PATIENCE = 60.0


def handover_after_sigterm() -> None:
    """End the worker at work with SIGTERM, with another one standing by; forty times."""
    say(f"{HANDOVERS} workers at work get SIGTERM")
    samples = _take_overs(HANDOVERS, lambda process: process.signal(signal.SIGTERM))
    report("handover_after_sigterm_p95_ms", percentile(samples, 95) * 1000, "ms", len(samples))


def resume_after_silent_host() -> None:
    """Stop all processes of a worker at work: its connections stay open, only its lease lapses."""
    say(f"{SILENCES} workers at work fall silent, with leases of {LEASE:g} s")
    samples = _take_overs(SILENCES, _silence)
    report("resume_after_silent_host_max_s", max(samples), "s", len(samples))


def _silence(process: Process) -> None:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.send_signal(signal.SIGSTOP)


def _take_overs(times: int, end: Callable[[Process], None]) -> list[float]:
    """End whoever is at work, again and again; return the seconds until somebody else is."""
    samples = []
    with sandbox_redis.running(appendfsync="always") as server, ExitStack() as crews:
        store = Store(connect(server.url, name="bench"), GROUP)
        at_work = crews.enter_context(crew(server.url, slots=1, lease=LEASE))
        store.start("work-1", "work", None, dedup="work-1")
        _began(store, 1)
        for count in range(1, times + 1):
            next_one = crews.enter_context(crew(server.url, slots=1, lease=LEASE))
            _standing_by(store, next_one)
            began = time.monotonic()
            end(at_work)
            samples.append(_began(store, count + 1) - began)
            at_work.kill()
            at_work = next_one
    return samples


def _standing_by(store: Store, process: Process) -> None:
    """Wait until a crew's slot and keeper are there: what is measured is no start."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        pids = {child.pid for child in psutil.Process(process.pid).children()}
        names = [str(client["name"]) for client in store.redis.client_list()]
        there = {role for role in ("slot", "keeper") if _named(names, role, pids)}
        if len(there) == 2:  # noqa: PLR2004  a slot and a keeper
            time.sleep(0.2)
            return
        time.sleep(0.01)
    raise RuntimeError("the crew that stands by did not come up")


def _named(names: list[str], role: str, pids: set[int]) -> bool:
    return any(f"-{role}-" in name and f"-{pid}-" in name for name in names for pid in pids)


def _began(store: Store, times: int) -> float:
    """Wait until the work has begun so many times; return when the last began."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        last = store.redis.lindex("began", times - 1)
        if last is not None:
            return float(str(last).split()[1])
        time.sleep(0.001)
    raise RuntimeError("nobody went on with the work")
