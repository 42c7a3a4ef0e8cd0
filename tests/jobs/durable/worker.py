"""A worker as a product composes it, to be run as a process: `python -m tests.jobs.durable.worker`.

Arguments: the address of Redis, the lease in seconds, how many slots, how many keepers. What its
workflows do outside is one list in Redis, so that a test sees every act, in order.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from redis import Redis

from jobs.durable import Activity, Context, Registry, Runner, Store, connect
from jobs.durable.keeper import Keeper, reap_dead
from jobs.durable.slot import Slot, owner_name, owner_prefix
from jobs.durable.supervisor import Role, supervise

GROUP = "prod-eu"
registry = Registry()


@registry.workflow("nothing")
def nothing(ctx: Context[Redis], _: Any) -> str:
    return "done"


@registry.workflow("steps")
def steps(ctx: Context[Redis], keys: list[str]) -> list[Any]:
    """Take one step for each key. Each says that it began, and ends when the test lets it."""

    def step(key: str) -> int:
        ctx.resources.rpush("outside", f"{key} {ctx.token.epoch}")
        while not ctx.resources.exists(f"go:{key}"):
            time.sleep(0.01)
        return ctx.token.epoch

    return [ctx.step(key, step, key, timeout=600) for key in keys]


@registry.workflow("evict")
def evict(ctx: Context[Redis], _: Any) -> str:
    """Act again and again, each time by leave, until the test has seen enough."""

    def act(activity: Activity[Redis]) -> str:
        outside, changed = activity.resources, threading.Event()
        outside.rpush("begun", activity.token.epoch)
        while not outside.exists("enough"):
            activity.wait(changed, 0.02)
            if outside.exists("quiet"):
                outside.set("is-quiet", "1")
                continue
            if activity.permit(bucket="evict", rate=0, burst=0).leave == "ok":
                outside.rpush("outside", activity.token.epoch)
        return f"ended in epoch {activity.token.epoch}"

    outcome: str = ctx.activity("evict", act)
    return outcome


def slot(url: str, lease: float, before: int) -> int:
    """Run one slot; first take what its predecessor left behind."""

    name = owner_name("slot")
    store = Store(connect(url, name=name), GROUP)
    if before:
        reap_dead(store, owner_prefix("slot", before))

    def runner(slot: Slot) -> Runner[Redis]:
        outside = connect(url, name="outside")
        return Runner(
            store, registry, outside, owner=name, lease=lease, stopping=lambda: slot.stopping
        )

    Slot(connect(url, name=name, text=False), runner, GROUP, name=name).work()
    return 0


def keeper(url: str) -> int:
    """Run one keeper until SIGTERM."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ended.set()

    signal.signal(signal.SIGTERM, end)
    name = owner_name("keeper")
    Keeper(Store(connect(url, name=name), GROUP), name=name, keep_for=3600).run(ended.wait)
    return 0


def main() -> int:
    url, lease, slots, keepers = sys.argv[1:]
    print(f"worker {os.getpid()}", flush=True)  # noqa: T201  (a program's output)
    return supervise(
        [
            *(
                Role(f"slot-{n}", lambda before: slot(url, float(lease), before))
                for n in range(int(slots))
            ),
            *(Role(f"keeper-{n}", lambda _: keeper(url)) for n in range(int(keepers))),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
