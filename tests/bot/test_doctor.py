"""`drainbot doctor` and `drainbot replay-check`, as processes, against real servers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from redis import Redis

import sandbox.slack
from bot.slack_health import SCOPES
from jobs.durable import Store
from jobs.kubernetes.rights import RIGHTS
from sandbox.cluster import Scenario, running
from tests.bot.running import CLUSTER, POLICY, ROOT, environment
from tests.jobs.rights import user_with


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def drainbot(command: str, env: dict[str, str]) -> tuple[int, list[dict[str, str]], str]:
    run = subprocess.run(
        [sys.executable, "-m", "bot.cli", command, "--json"],
        env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()], run.stderr


def test_the_scopes_that_are_asked_for_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifests/slack-app.yaml").read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES


def test_the_doctor_looks_at_everything_and_ends_with_1_where_something_is_unsafe(
    redis_url: str, policy: Path, tmp_path: Path
) -> None:
    with (
        running(Scenario(name="guarded", tokens={"t": user_with(RIGHTS)})) as cluster,
        sandbox.slack.running(sandbox.slack.demo_workspace()) as slack,
    ):
        token = slack.workspace().apps[0].bot_token
        env = environment(
            redis_url, policy,
            KUBECONFIG=str(cluster.kubeconfig(tmp_path / "k", token="t")),
            SLACK_BOT_TOKEN=token, SLACK_API_URL=slack.api_url,
        )  # fmt: skip
        code, found, err = drainbot("doctor", env)
    assert err == ""
    assert {each["part"] for each in found} >= {"redis", "cluster", "slack", "policy"}
    unsafe = [each["what"] for each in found if each["level"] == "unsafe"]
    assert unsafe == ["appendfsync everysec"]  # as the tests' own Redis is set up
    assert code == 1
    assert token not in json.dumps(found)


def test_replay_check_lists_what_would_stop_for_a_person_and_changes_nothing(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    store = Store(redis, CLUSTER)
    env = environment(redis_url, policy)
    assert drainbot("replay-check", env)[:2] == (0, [])
    store.start("demo-1", "a_workflow_of_another_version", None, dedup="d")
    before = sorted(redis.scan_iter())
    code, found, _ = drainbot("replay-check", env)
    assert code == 1
    assert [each["workflow"] for each in found] == ["demo-1"]
    assert "knows no workflow" in found[0]["problem"]
    assert sorted(redis.scan_iter()) == before
