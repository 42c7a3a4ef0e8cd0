"""How soon the last eviction arrives after somebody typed `/drain freeze`, while a drain runs."""

import time

from sandbox.bench import scenes
from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import Rig, rig

ROUNDS = 10
_PODS = 440
_A_ROUND = 15  # evictions between a thaw and the next freeze
_QUIET = 1.5  # seconds after a freeze in which whatever had leave must have arrived
_LIMIT = 60.0


def freeze_to_last_eviction() -> None:
    """Freeze and thaw a cluster ten times while a node of 440 pods is drained, 40 a second."""
    with rig(scenes.busy(_PODS), "evictions_per_second: 40, node_timeout: 1h") as stand:
        for _ in range(2):
            stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        stand.slack.slash("ana", "ops", "/drain", "node-1")
        say(f"{ROUNDS} freezes in the middle of a drain")
        samples = [_freeze(stand) for _ in range(ROUNDS)]
    report("freeze_to_last_eviction_ms", max(samples), "ms", len(samples))
    report("freeze_to_last_eviction_p50_ms", percentile(samples, 50), "ms", len(samples))


def _freeze(stand: Rig) -> float:
    """Freeze, and return how many ms later the last eviction arrived (0: none did after it)."""
    _until_more(stand, len(_evictions(stand)) + _A_ROUND)
    began = time.time()
    said = stand.slack.slash("ana", "ops", "/drain", "freeze bench").shown or ""
    if "is frozen" not in said:
        raise RuntimeError(f"the bench's freeze was answered: {said}")
    time.sleep(_QUIET)
    late = [at for at in _evictions(stand) if at > began]
    stand.slack.slash("ana", "ops", "/drain", "thaw")
    return (max(late) - began) * 1000 if late else 0.0


def _evictions(stand: Rig) -> list[float]:
    return [entry.time for entry in stand.cluster.requests() if entry.resource == "pods/eviction"]


def _until_more(stand: Rig, count: int) -> None:
    end = time.monotonic() + _LIMIT
    while len(_evictions(stand)) < count:
        if time.monotonic() > end:
            raise RuntimeError("the bench's drain does not go on")
        time.sleep(0.01)
