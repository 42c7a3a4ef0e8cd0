"""A crew of the durable core alone: a supervisor with slots and a keeper, no cluster, no Slack.

`python -m sandbox.bench.crew URL LEASE SLOTS`. Its workflows are what the benches measure.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.durable import Activity, Context, Question, Registry, Runner, Store, Timer, connect
from jobs.durable.keeper import Keeper, reap_dead
from jobs.durable.slot import Slot, owner_name, owner_prefix
from jobs.durable.supervisor import Role, supervise
from jobs.worker import until_sigterm
from sandbox.bench.figures import tell
from sandbox.processes import Process

GROUP = "bench"
registry = Registry()


@registry.workflow("ask")
def ask(ctx: Context[Any], times: int) -> None:
    """Ask, and note on the machine's own clock when the answer let it go on; again and again."""
    for count in range(times):
        question = Question(
            "block", {"pods": ["payments/db-2"], "count": count}, ("retry", "skip"),
            notices={"remind": 900}, stop_after=3600,
        )  # fmt: skip
        ctx.first(f"ask:{count}", answer=question, stop=Timer(3600, movable=True))
        ctx.step(f"on:{count}", time.monotonic)


@registry.workflow("work")
def work(ctx: Context[Any], _input: Any) -> None:
    """Be at work until somebody ends this process."""

    def at_work(act: Activity[Any]) -> None:
        store: Store = act.resources
        store.redis.rpush("began", f"{act.token.epoch} {time.monotonic()}")
        act.progress({"epoch": act.token.epoch})  # it gets on, so it is not stuck
        while True:
            act.wait(threading.Event(), 1.0)

    ctx.activity("work", at_work)


def _slot(url: str, lease: float, before: int) -> int:
    name = owner_name("slot")
    store = Store(connect(url, name=name), GROUP)
    if before:
        reap_dead(store, owner_prefix("slot", before))

    def runner(slot: Slot) -> Runner[Any]:
        return Runner(
            store, registry, store, owner=name, lease=lease, stopping=lambda: slot.stopping
        )

    Slot(connect(url, name=name, text=False), runner, GROUP, name=name).work(
        logging_level="WARNING"
    )
    return 0


def _keeper(url: str) -> int:
    name = owner_name("keeper")
    Keeper(Store(connect(url, name=name), GROUP), name=name, keep_for=3600).run(
        until_sigterm().wait
    )
    return 0


def main(url: str, lease: str, slots: str) -> int:
    """Run a crew until SIGTERM."""
    roles = [
        Role(f"slot-{n}", lambda before: _slot(url, float(lease), before))
        for n in range(int(slots))
    ]
    return supervise([*roles, Role("keeper", lambda _: _keeper(url))])


@contextmanager
def crew(url: str, *, slots: int, lease: float = 3.0) -> Iterator[Process]:
    """Run a crew as a process; it is killed with all its children at the end."""
    words = [sys.executable, "-m", "sandbox.bench.crew", url, str(lease), str(slots)]
    with Process(words, name="crew", output=lambda line: tell("crew", line)) as process:
        yield process


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
