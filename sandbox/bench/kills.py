"""How soon somebody else goes on after the slot at work, or its supervisor, was killed."""

import os
import signal
import time

import redis

from sandbox.bench import scenes
from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import Rig, rig

KILLS = 100
_PODS = 440


def resume_after_sigkill() -> None:
    """Kill the slot that is draining and the next one's supervisor, in turn, others standing by."""
    with rig(scenes.busy(_PODS), "evictions_per_second: 1, node_timeout: 1h") as stand:
        for _ in range(2):
            stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        stand.slack.slash("ana", "ops", "/drain", "node-1")
        say(f"{KILLS} kills at work: of a slot and of a supervisor in turn")
        with redis.Redis.from_url(stand.stage.redis.url, decode_responses=True) as state:
            samples = [_kill(stand, state, supervisor=n % 2 > 0) for n in range(KILLS)]
    report("resume_after_sigkill_p50_s", percentile(samples, 50), "s", len(samples))
    report("resume_after_sigkill_p95_s", percentile(samples, 95), "s", len(samples))
    report("resume_after_sigkill_max_s", max(samples), "s", len(samples))


def _kill(stand: Rig, state: "redis.Redis", *, supervisor: bool) -> float:
    if supervisor:
        stand.stage.start_worker(slots=1)  # the next one to stand by
    time.sleep(0.5)  # let it settle: what is measured is the take-over, not a start
    owner = _owner(state, "")
    slot = int(owner.split("-")[-2])
    victim = _parent(slot) if supervisor else slot
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    _owner(state, owner)
    return time.monotonic() - began


def _owner(state: "redis.Redis", other_than: str) -> str:
    """Wait until a slot other than that runs the drain; returns its name."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for workflow in state.zrange("drainbot:demo:running", 0, -1):
            owner = state.hget(f"drainbot:demo:wf:{workflow!s}", "owner")
            if owner and owner != other_than:
                return str(owner)
        time.sleep(0.002)
    raise RuntimeError("nobody went on with the drain")


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return int(stat.read().rpartition(")")[2].split()[1])
