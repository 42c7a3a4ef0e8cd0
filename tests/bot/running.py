"""A whole bot as its own process, for tests: real Redis, the strict stand-in for Slack."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from redis import Redis

import sandbox.slack
from jobs.durable import Store
from jobs.inventory import InventoryStore
from jobs.models import ClusterNode
from sandbox.processes import Process, free_port

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "demo"
TOKEN = "a-long-random-word"
_POLICY = """
team: T0SANDBOX
clusters: {demo: {}}
channels: {C0OPS: {cluster: demo}}
groups: {sre: [U0ANA, U0BO], oncall: [S0ONCALL]}
tokens:
  - {sha256: "SHA256", user: U0ANA, scopes: [read, request, decide]}
rules:
  - match: {}
    request: [sre, oncall]
    start: at_once
    decide: [sre]
    force: {by: [oncall], votes: 1}
fallback_channel: C0OPS
"""
POLICY = _POLICY.replace("SHA256", hashlib.sha256(TOKEN.encode()).hexdigest())

_T = TypeVar("_T")


@dataclass(frozen=True)
class Bot:
    """A bot that runs, and where its probes answer."""

    process: Process
    probes: str
    slack: sandbox.slack.Slack


def environment(redis_url: str, policy: Path, **more: str) -> dict[str, str]:
    """Return the environment of a command; the test's own, without what could leak in."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DRAINBOT", "SLACK"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
        "DRAINBOT_REDIS_URL": redis_url,
        "DRAINBOT_CLUSTER": CLUSTER,
        "DRAINBOT_POLICY": str(policy),
        **more,
    }


def publish_nodes(redis: Redis, *names: str) -> None:
    """Publish an inventory, as a watcher would."""
    nodes = [ClusterNode(name=name, uid=f"uid-{name}") for name in names]
    InventoryStore(Store(redis, CLUSTER)).replace(nodes, now=int(time.time() * 1000))


def start_bot(env: dict[str, str]) -> Process:
    """Start `drainbot bot`."""
    return Process([sys.executable, "-m", "bot.cli", "bot"], name="bot", env=env)


@contextmanager
def running_bot(
    redis_url: str, policy: Path, *, socket_mode: bool = False, **more: str
) -> Iterator[Bot]:
    """Run a bot against a stand-in for Slack until it says that it has started."""
    with sandbox.slack.running(sandbox.slack.demo_workspace()) as slack:
        app = slack.workspace().apps[0]
        port, probes = free_port(), free_port()
        delivery = {
            "SLACK_SIGNING_SECRET": app.signing_secret,
            "DRAINBOT_SLACK_LISTEN": f"127.0.0.1:{port}",
        }
        if socket_mode:
            delivery = {"SLACK_APP_TOKEN": app.app_token}
            slack.configure(socket_mode=True)
        else:
            url = f"http://127.0.0.1:{port}/slack/events"
            slack.configure(request_url=url, options_url=url)
        env = environment(
            redis_url,
            policy,
            SLACK_BOT_TOKEN=app.bot_token,
            SLACK_API_URL=slack.api_url,
            DRAINBOT_PROBE_LISTEN=f"127.0.0.1:{probes}",
            **delivery,
            **more,
        )
        with start_bot(env) as process:
            process.wait_for_line("bot_started", within_s=30)
            yield Bot(process, f"127.0.0.1:{probes}", slack)


def eventually(look: Callable[[], _T], *, within_s: float = 60) -> _T:
    """Return what `look` returns once that is true; fail with what it was last."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"still {found!r} after {within_s} s"
        time.sleep(0.05)
