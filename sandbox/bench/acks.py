"""How long Slack waits for the acknowledgement of a slash command, fifty at once."""

import json
import subprocess
import sys
import time

from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import Rig, rig
from sandbox.cluster import nodes

AT_ONCE = 50
ROUNDS = 20
BETWEEN = 1.0  # seconds: people are not a load generator, and the telling has to catch up
_OK = 200


def slash_acks() -> None:
    """Measure `/drain NODE`, each of which starts an operation, from sending to the whole answer.

    The worker is stopped by then, so that what is measured is the bot, Redis and nothing else; who
    sends is a process of its own.
    """
    names = tuple(f"node-{number}" for number in range(AT_ONCE))
    with rig(nodes(*names, name="demo")) as stand:
        worker = stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        worker.stop()
        say(f"slash commands, {AT_ONCE} at once, {ROUNDS} rounds")
        samples = timed_commands(stand, names, ROUNDS)
    report("slash_ack_p50_ms", percentile(samples, 50), "ms", len(samples))
    report("slash_ack_p99_ms", percentile(samples, 99), "ms", len(samples))


def timed_commands(stand: Rig, names: tuple[str, ...], rounds: int) -> list[float]:
    """Send `/drain NAME` for all names at once, so many times; return the ms of each answer.

    A round before them is not counted: it opens the bot's connections.
    """
    command = [sys.executable, "-m", "sandbox.bench.volley"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sender:
        _round(stand, sender, names, -1)
        samples = []
        for turn in range(rounds):
            time.sleep(BETWEEN)
            samples += _round(stand, sender, names, turn)
        sender.communicate()
    return samples


def _round(
    stand: Rig, sender: "subprocess.Popen[str]", names: tuple[str, ...], turn: int
) -> list[float]:
    requests = []
    for name in names:
        body, headers = stand.signed(stand.command(name, f"{turn}.{name}"))
        requests.append({"body": body.decode(), "headers": headers})
    if sender.stdin is None or sender.stdout is None:
        raise RuntimeError("the sender has no pipes")
    sender.stdin.write(json.dumps({"address": stand.address, "requests": requests}) + "\n")
    sender.stdin.flush()
    results = json.loads(sender.stdout.readline())
    wrong = [r for r in results if r[1] != _OK or "op " not in r[2]]
    if wrong:
        raise RuntimeError(f"/drain was answered {wrong[0][1]} {wrong[0][2][:200]!r}")
    return [ms for ms, _, _ in results]
