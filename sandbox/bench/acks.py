"""How long Slack waits for the acknowledgement of a slash command, fifty at once."""

import time
from concurrent.futures import ThreadPoolExecutor

from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import Rig, rig
from sandbox.cluster import nodes

AT_ONCE = 50
ROUNDS = 6
_OK = 200


def slash_acks() -> None:
    """Measure `/drain NODE`, each of which starts an operation, from sending to the whole answer.

    The worker is stopped by then, so that what is measured is the bot, Redis and nothing else.
    """
    names = tuple(f"node-{number}" for number in range(AT_ONCE))
    with rig(nodes(*names, name="demo")) as stand:
        worker = stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        worker.stop()
        say(f"slash commands, {AT_ONCE} at once, {ROUNDS} rounds")
        _round(stand, names, -1)
        samples = [ms for turn in range(ROUNDS) for ms in _round(stand, names, turn)]
    report("slash_ack_p50_ms", percentile(samples, 50), "ms", len(samples))
    report("slash_ack_p99_ms", percentile(samples, 99), "ms", len(samples))


def _round(stand: Rig, names: tuple[str, ...], turn: int) -> list[float]:
    pool = stand.pool(AT_ONCE)

    def send(name: str) -> float:
        body, headers = stand.signed(stand.command(name, f"{turn}.{name}"))
        began = time.perf_counter()
        answer = pool.request("POST", stand.address, body=body, headers=headers)
        took = (time.perf_counter() - began) * 1000
        if answer.status != _OK or b"op " not in answer.data:
            raise RuntimeError(f"/drain {name}: {answer.status} {answer.data[:200]!r}")
        return took

    with ThreadPoolExecutor(AT_ONCE) as threads:
        samples = list(threads.map(send, names))
    pool.clear()
    return samples
