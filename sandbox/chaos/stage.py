"""What a run is played on: Redis, the cluster, Slack, the wires, and who speaks over them."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis

import sandbox.slack
from bot.message_store import MessageStore
from jobs.durable import connect
from jobs.policy import load_policy
from jobs.service import Service
from sandbox import redis as redis_server
from sandbox.certify.nursery import Nursery
from sandbox.chaos.crew import Crew, Host, Seat
from sandbox.chaos.people import People
from sandbox.chaos.plan import Plan
from sandbox.chaos.scene import POLICY, scene
from sandbox.chaos.wires import Wires, wiring
from sandbox.cluster import Cluster, running
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.processes import free_port
from sandbox.slack import App, Slack

__all__ = ["Stage", "standing"]

LEASE = 2  # seconds of an activation
_TIMEOUT = 2.0  # seconds that people's own look at Redis may take
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Stage:
    """Everything that takes part, and a direct look at each of it."""

    plan: Plan
    directory: Path
    server: redis_server.RedisServer
    redis: "Redis"
    cluster: Cluster
    slack: Slack
    service: Service
    wires: Wires
    crew: Crew
    people: People


@contextmanager
def standing(plan: Plan, directory: Path, note: Callable[[str], None]) -> Iterator[Stage]:
    """Yield a stage with everybody in place; nobody is started before the crew is looked at.

    What is left of it stays in `directory`: logs, Redis' files.
    """
    policy = directory / "policy.yaml"
    policy.write_text(POLICY)
    with (
        redis_server.running(directory=directory / "redis") as server,
        running(scene(plan.cast), seed=plan.seed) as cluster,
        sandbox.slack.running(sandbox.slack.demo_workspace(), rate_limits=False) as slack,
        wiring(plan.seed) as wires,
        Nursery({**os.environ, "PYTHONUNBUFFERED": "1"}) as nursery,
    ):
        redis = connect(server.url, name="drainbot-client-people", patience=1, timeout=_TIMEOUT)
        service = Service(redis, load_policy(policy))
        hosts = {
            seat.name: Host(seat) for seat in _seats(plan, directory, server, cluster, slack, wires)
        }
        crew = Crew(nursery, directory, hosts)
        people = People(slack, service, MessageStore(redis), note)
        stage = Stage(
            plan, directory, server, redis, cluster, slack, service, wires, crew, people
        )  # fmt: skip
        try:
            yield stage
        finally:
            people.go()
            crew.end()
            redis.close()


def _seats(
    plan: Plan,
    directory: Path,
    server: redis_server.RedisServer,
    cluster: Cluster,
    slack: Slack,
    wires: Wires,
) -> Iterator[Seat]:
    ports = [free_port() for _ in range(plan.cast.bots)]
    bots = wires.lay("slack:bots", ports)
    app = slack.configure(request_url=f"http://127.0.0.1:{bots}/slack/events")
    for number, port in enumerate(ports):
        name = f"bot-{number}"
        web = wires.lay(f"{name}:slack", [_port(slack.url)])
        environment = _bot(app, f"http://127.0.0.1:{web}/api/", port)
        redis = wires.lay(f"{name}:redis", [server.port])
        yield Seat(name, "bot", _environment(directory, redis, environment))
    for number, clock in enumerate(plan.clocks):
        name = f"worker-{number}"
        api = wires.lay(f"{name}:cluster", [_port(cluster.url)])
        kubeconfig = write_kubeconfig(
            directory / f"{name}.kubeconfig", f"http://127.0.0.1:{api}", name="demo"
        )
        environment = {"KUBECONFIG": str(kubeconfig), "DRAINBOT_LEASE_SECONDS": str(LEASE)}
        redis = wires.lay(f"{name}:redis", [server.port])
        yield Seat(
            name, "worker", _environment(directory, redis, environment), plan.cast.slots, clock
        )


def _bot(app: App, api_url: str, port: int) -> dict[str, str]:
    return {
        "SLACK_API_URL": api_url,
        "SLACK_BOT_TOKEN": app.bot_token,
        "SLACK_SIGNING_SECRET": app.signing_secret,
        "DRAINBOT_SLACK_LISTEN": f"127.0.0.1:{port}",
        "DRAINBOT_PROGRESS_SECONDS": "0.5",
        "DRAINBOT_NOTIFIER_LEASE_SECONDS": "2",
    }


def _environment(directory: Path, redis: int, more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "DRAINBOT_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "DRAINBOT_CLUSTER": "demo",
        "DRAINBOT_POLICY": str(directory / "policy.yaml"),
        "DRAINBOT_LOG_FORMAT": "console",
        **more,
    }


def _port(url: str) -> int:
    return int(urlsplit(url).port or 0)
