"""What programs wait for, and what people wait for meanwhile: the HTTP API under load."""

import hashlib
import json
import subprocess
import sys

from sandbox.bench.acks import BETWEEN, timed_commands
from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import Rig, rig
from sandbox.cluster import nodes
from sandbox.processes import free_port

STREAMS = 200
RATE = 50.0  # requests a second
ROUNDS = 25
COMMANDS = 10  # slash commands at once, once a second
SECONDS = ROUNDS * (BETWEEN + 0.2)  # it outlasts them
_TOKENS = tuple(f"bench-token-{number}" for number in range(4))


def http_load() -> None:
    """Measure 200 event streams and 50 requests a second while slash commands are acknowledged.

    The worker is stopped, as for the other acknowledgements: what is measured is the bot and Redis.
    """
    names = tuple(f"node-{number}" for number in range(4 + COMMANDS))
    port = free_port()
    lines = [
        f"  - {{sha256: {hashlib.sha256(token.encode()).hexdigest()}, user: U0BO, "
        "scopes: [read, request, decide]}"
        for token in _TOKENS
    ]
    settings = {"DRAINBOT_HTTP_LISTEN": f"127.0.0.1:{port}"}
    with rig(nodes(*names, name="demo"), tokens=lines, settings=settings) as stand:
        worker = stand.stage.start_worker(slots=1)
        stand.wait_for("node-1", "node-01")
        worker.stop()
        for name in names[:4]:
            stand.slack.slash("bo", "ops", "/drain", name)
        operations = [view.id for view in stand.client.operations("demo", live_only=True)]
        say(f"{STREAMS} event streams, {RATE:g} requests a second, {SECONDS:g} s")
        asked = {
            "host": "127.0.0.1", "port": port, "tokens": _TOKENS, "operations": operations,
            "streams": STREAMS, "rate": RATE, "seconds": SECONDS,
        }  # fmt: skip
        found, acks = _loaded(stand, asked, names[4:])
    if found["failed"]:
        raise RuntimeError(f"the API answered {found['failed']}")
    report("http_p99_ms", percentile(found["requests"], 99), "ms", len(found["requests"]))
    report("event_lag_p99_ms", percentile(found["events"], 99), "ms", len(found["events"]))
    report("slash_ack_p99_ms_under_http_load", percentile(acks, 99), "ms", len(acks))


def _loaded(
    stand: Rig, asked: dict[str, object], names: tuple[str, ...]
) -> tuple[dict[str, list[float]], list[float]]:
    command = [sys.executable, "-m", "sandbox.bench.http_load"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load:
        if load.stdin is None or load.stdout is None:
            raise RuntimeError("the load has no pipes")
        load.stdin.write(json.dumps(asked) + "\n")
        load.stdin.flush()
        if load.stdout.readline().strip() != "ready":
            raise RuntimeError("the event streams were never told anything")
        acks = timed_commands(stand, names, ROUNDS)
        found: dict[str, list[float]] = json.loads(load.stdout.readline())
    return found, acks
