"""The stage: Redis, bot and worker as real processes, each told by its environment alone."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import redis
from sandbox.processes import Process, free_port

CLUSTER = "demo"
POLICY = Path(__file__).with_name("policy.yaml")
TOKEN = "demo-token-of-bo"  # noqa: S105  opens the demo only
START_LIMIT = 20.0  # seconds
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")

Teller = Callable[[str, str], None]


@dataclass
class Stage:
    """Running processes, and how to start more. `tell` gets (who, line) of what they say."""

    redis: redis.RedisServer
    kubeconfig: Path
    tell: Teller
    policy: Path = POLICY
    guardrails: Path | None = None
    lease_seconds: float = 2.0
    progress_seconds: float = 0.5
    stop_seconds: float = 12.0
    workers: list[Process] = field(default_factory=list)
    bots: list[Process] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a program: nothing of this machine that it does not need."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "DRAINBOT_REDIS_URL": self.redis.url,
            "DRAINBOT_CLUSTER": CLUSTER,
            "DRAINBOT_POLICY": str(self.policy),
            "DRAINBOT_LOG_FORMAT": "console",
            **more,
        }

    def start_worker(self, *, slots: int = 3) -> Process:
        """Start `drainbot worker` and wait until its slots are up."""
        worker = self.launch_worker(slots=slots)
        worker.wait_for_line("worker_started", within_s=START_LIMIT)
        return worker

    def launch_worker(self, *, slots: int = 3) -> Process:
        """Start `drainbot worker` and return at once: it says `worker_started` when it is up."""
        number = len(self.workers) + 1
        environment = self.environment(
            KUBECONFIG=str(self.kubeconfig), DRAINBOT_LEASE_SECONDS=str(self.lease_seconds)
        )
        if self.guardrails is not None:
            environment["DRAINBOT_GUARDRAILS"] = str(self.guardrails)
        worker = self._start(f"worker-{number}", ["worker", "--slots", str(slots)], environment)
        self.workers.append(worker)
        return worker

    def start_bot(self, slack: Mapping[str, str]) -> Process:
        """Start `drainbot bot`; `slack` says where Slack is and with which tokens."""
        environment = self.environment(
            DRAINBOT_PROGRESS_SECONDS=str(self.progress_seconds), **slack
        )
        bot = self._start(f"bot-{len(self.bots) + 1}", ["bot"], environment)
        self.bots.append(bot)
        return bot

    def _start(self, name: str, arguments: list[str], environment: dict[str, str]) -> Process:
        command = [sys.executable, "-m", "bot.cli", *arguments]
        return Process(
            command, name=name, env=environment, output=lambda line: self.tell(name, line)
        )

    def stop(self) -> None:
        """End bots and workers: all are asked at once, and killed where they take too long."""
        running = [process for process in reversed([*self.workers, *self.bots]) if process.alive()]
        for process in running:
            process.signal(signal.SIGTERM)
        end = time.monotonic() + self.stop_seconds
        for process in running:
            process.stop(limit_s=max(0.0, end - time.monotonic()))


@contextmanager
def standing(kubeconfig: Path, tell: Teller, **settings: object) -> Iterator[Stage]:
    """Yield a stage with a Redis of its own; all of it ends with the context."""
    with ExitStack() as stack:
        server = stack.enter_context(redis.running())
        stage = Stage(server, kubeconfig, tell, **settings)  # type: ignore[arg-type]  # by name
        stack.callback(stage.stop)
        yield stage


def http_delivery(api_url: str, bot_token: str, signing_secret: str) -> tuple[dict[str, str], str]:
    """Return the bot's settings for signed HTTP delivery, and the address to deliver to."""
    port = free_port()
    settings = {
        "SLACK_API_URL": api_url,
        "SLACK_BOT_TOKEN": bot_token,
        "SLACK_SIGNING_SECRET": signing_secret,
        "DRAINBOT_SLACK_LISTEN": f"127.0.0.1:{port}",
    }
    return settings, f"http://127.0.0.1:{port}/slack/events"
