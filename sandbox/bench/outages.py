"""How soon a drain goes on after Redis, or the API server, was away for a minute."""

import time
from collections.abc import Callable
from datetime import timedelta

from sandbox.bench import scenes
from sandbox.bench.figures import report, say
from sandbox.bench.rig import Rig, rig

AWAY = timedelta(minutes=1).total_seconds()
TIMES = 2  # outages of each kind
_PATIENCE = 60.0
_PODS = 900
_RATE = 2  # evictions a second: there is always one to be sent

Act = Callable[[Rig], None]


def back_at_work() -> None:
    """Take away Redis (killed, and silent) and the API server, a minute each, again and again."""
    with rig(
        scenes.busy(_PODS, room=1000), f"evictions_per_second: {_RATE}, node_timeout: 4h"
    ) as stand:
        stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        stand.slack.slash("ana", "ops", "/drain", "node-1")
        for what, (away, back) in _OUTAGES.items():
            say(f"{TIMES} times a minute of {what}")
            samples = [_outage(stand, away, back) for _ in range(TIMES)]
            report(f"back_after_{what}_max_s", max(samples), "s", len(samples))


def _redis_killed(stand: Rig) -> None:
    stand.stage.redis.kill()


def _redis_restarted(stand: Rig) -> None:
    stand.stage.redis.restart()


def _redis_frozen(stand: Rig) -> None:
    stand.stage.redis.freeze()


def _redis_thawed(stand: Rig) -> None:
    stand.stage.redis.thaw()


def _api_away(stand: Rig) -> None:
    stand.cluster.cut_next(times=None)
    stand.cluster.cut_all()


def _api_back(stand: Rig) -> None:
    stand.cluster.clear_faults()


_OUTAGES: dict[str, tuple[Act, Act]] = {
    "redis_killed": (_redis_killed, _redis_restarted),
    "redis_silent": (_redis_frozen, _redis_thawed),
    "api_away": (_api_away, _api_back),
}


def _outage(stand: Rig, away: Act, back: Act) -> float:
    """Return the seconds from the end of an outage to the next eviction."""
    _next_eviction(stand, after=time.time())
    away(stand)
    time.sleep(AWAY)
    before = time.time()
    back(stand)
    there = time.time()  # it may have been used before this process knew
    return max(0.0, _next_eviction(stand, after=before) - there)


def _next_eviction(stand: Rig, *, after: float) -> float:
    """Wait for an eviction after that time; return when it was carried out."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        for entry in stand.cluster.requests():
            if entry.time > after and entry.resource == "pods/eviction" and entry.carried_out:
                return entry.time
        time.sleep(0.05)
    raise RuntimeError("the drain did not go on")
