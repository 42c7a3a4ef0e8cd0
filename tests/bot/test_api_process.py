"""The HTTP API as the bot runs it: a process of its own, for as long as the bot's."""

import socket
import sys
from pathlib import Path

import psutil
import pytest
import urllib3
from redis import Redis

from sandbox.processes import Process, free_port
from tests.bot.running import POLICY, TOKEN, environment, eventually, publish_nodes, running_bot


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def get(address: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        answer = urllib3.request("GET", f"http://{address}{path}", headers=headers, retries=False)
    except urllib3.exceptions.HTTPError:
        return 0
    return answer.status


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_the_bot_serves_it_where_it_is_told_and_takes_it_along(
    redis: "Redis", redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    port = free_port()
    address = f"127.0.0.1:{port}"
    with running_bot(redis_url, policy, DRAINBOT_HTTP_LISTEN=str(port)) as bot:
        eventually(lambda: get(address, "/nodes/node-1") == 200)
        assert get(bot.probes, "/metrics") == 200
        assert get(bot.probes, "/me") == 404
        (child,) = psutil.Process(bot.process.pid).children()
        assert not [name for name in child.environ() if name.startswith("SLACK_")]
        bot.process.stop(limit_s=10)
        eventually(lambda: not listens(address))


def test_it_ends_with_a_bot_that_was_killed(redis: "Redis", redis_url: str, policy: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with running_bot(redis_url, policy, DRAINBOT_HTTP_LISTEN=address) as bot:
        eventually(lambda: get(address, "/me") == 200)
        bot.process.kill()
        eventually(lambda: not listens(address))


def test_a_bot_whose_api_ends_is_ended_to_be_started_anew(
    redis: "Redis", redis_url: str, policy: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with running_bot(redis_url, policy, DRAINBOT_HTTP_LISTEN=address) as bot:
        eventually(lambda: get(address, "/me") == 200)
        (child,) = psutil.Process(bot.process.pid).children()
        child.kill()
        eventually(lambda: not bot.process.alive())


def test_it_runs_by_itself_too_with_probes_of_its_own(
    redis: "Redis", redis_url: str, policy: Path
) -> None:
    address, probes = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    env = environment(redis_url, policy, DRAINBOT_HTTP_LISTEN=address, DRAINBOT_PROBE_LISTEN=probes)
    with Process([sys.executable, "-m", "bot.cli", "api"], name="api", env=env) as process:
        process.wait_for_line("api_listening", within_s=30)
        assert get(address, "/me") == 200
        assert get(probes, "/readyz") == 200
        assert process.stop(limit_s=10) == 0


def test_without_a_policy_nobody_could_call(redis_url: str) -> None:
    env = {k: v for k, v in environment(redis_url, Path("x")).items() if k != "DRAINBOT_POLICY"}
    with Process([sys.executable, "-m", "bot.cli", "api"], name="api", env=env) as process:
        assert process.wait(within_s=20) == 2
