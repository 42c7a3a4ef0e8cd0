import json
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

import sandbox.slack
from sandbox import redis as sandbox_redis
from sandbox.slack import Fault
from tests.bot.running import (
    POLICY,
    environment,
    eventually,
    publish_nodes,
    running_bot,
    start_bot,
)

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def ready(address: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=5) as answer:
            said: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        said = json.loads(error.read())
    return said


@pytest.mark.parametrize("socket_mode", [False, True])
def test_a_command_is_acknowledged_and_told_in_the_channel(
    redis: Redis, redis_url: str, policy: Path, *, socket_mode: bool
) -> None:
    publish_nodes(redis, "node-1", "node-2")
    with running_bot(redis_url, policy, socket_mode=socket_mode) as bot:
        asked = bot.slack.slash("ana", "ops", "/drain", "node-1 reason disk swap")
        assert asked.acknowledged
        assert "Draining node-1 in demo" in str(asked.body)
        assert "No worker of demo is alive" in str(asked.body)
        (parent,) = eventually(lambda: bot.slack.messages("ops"))
        assert "node-1" in parent["text"]

        again = bot.slack.redeliver(asked)
        assert "asked already" in str(again.body)

        unknown = bot.slack.slash("ana", "ops", "/drain", "nod-1")
        assert "Did you mean node-1" in str(unknown.body)
        status = bot.slack.slash("ana", "ops", "/drain", "status")
        assert "node-1" in str(status.body)
        assert ready(bot.probes)["status"] == "ready"


@pytest.mark.parametrize("socket_mode", [False, True])
def test_the_form_is_opened_filled_in_and_asked_for(
    redis: Redis, redis_url: str, policy: Path, *, socket_mode: bool
) -> None:
    publish_nodes(redis, "node-1", "node-2")
    with running_bot(redis_url, policy, socket_mode=socket_mode) as bot:
        assert bot.slack.slash("ana", "ops", "/drain").shown is None
        eventually(lambda: bot.slack.modals("ana"))
        assert bot.slack.suggest("ana", "drainbot_nodes", "ode-2").shown is None
        wrong = bot.slack.submit("ana", {"drainbot_nodes": ["node-2"], "typed": "nod-1"})
        assert wrong.shown is None
        (view,) = bot.slack.modals("ana")
        assert "Did you mean node-1" in view["errors"]["typed"]
        bot.slack.submit("ana", {"drainbot_nodes": ["node-2"], "reason": "disk swap"})
        assert bot.slack.modals("ana") == []
        (parent,) = eventually(lambda: bot.slack.messages("ops"))
        assert "node-2" in parent["text"]
        (told,) = eventually(lambda: bot.slack.ephemerals("ana"))
        assert "Draining node-2 in demo" in told["text"]


def test_guests_and_people_of_other_organizations_are_refused(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    text = POLICY.replace("[U0ANA, U0BO]", "[U0ANA, U0BO, U0GUS]")
    policy.write_text(text)
    with running_bot(redis_url, policy) as bot:
        eventually(lambda: redis.get("drainbot:bot:people:T0SANDBOX"))

        def refused() -> bool:
            # `help` until the listeners have read who is who: it changes nothing for a member.
            answer = bot.slack.slash("gus", "ops", "/drain", "help")
            return "takes no orders from guests" in str(answer.body)

        eventually(refused)
        guest = bot.slack.slash("gus", "ops", "/drain", "node-1")
        assert "takes no orders from guests" in str(guest.body)
        stranger = bot.slack.slash("eve", "ops", "/drain", "node-1")
        assert "own Slack workspace" in str(stranger.body)
        assert bot.slack.messages("ops") == []


def test_forged_and_stale_deliveries_change_nothing(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy) as bot:
        for forgery in ("unsigned", "wrong_signature", "stale", "malformed_timestamp"):
            sent = bot.slack.slash("ana", "ops", "/drain", "node-1", forgery=forgery)
            assert sent.status == 401, forgery
        assert not redis.exists("drainbot:demo:live")


def test_the_worker_can_read_where_an_operation_is_talked_about(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy) as bot:
        bot.slack.slash("ana", "ops", "/drain", "node-1")
        (parent,) = eventually(lambda: bot.slack.messages("ops"))
        (key,) = eventually(lambda: redis.keys("drainbot:demo:thread:*"))
        assert str(redis.get(key)).endswith(f"/p{parent['ts'].replace('.', '')}")


def test_abort_from_the_message_goes_through_its_dialog(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy) as bot:
        bot.slack.slash("ana", "ops", "/drain", "node-1")
        (parent,) = eventually(lambda: bot.slack.messages("ops"))
        bot.slack.click("ana", "ops", parent["ts"], "operation:abort")
        (modal,) = eventually(lambda: bot.slack.modals("ana"))
        assert modal["title"]["text"] == "Abort"
        submitted = bot.slack.submit("ana", {"reason": "wrong node"})
        assert submitted.acknowledged
        (key,) = redis.keys("drainbot:demo:wf:*")
        assert "wrong node" in str(redis.hgetall(key))


def test_a_dialog_that_slack_is_too_slow_for_is_told_and_holds_up_nobody(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy) as bot:
        bot.slack.slash("ana", "ops", "/drain", "node-1")
        (parent,) = eventually(lambda: bot.slack.messages("ops"))
        bot.slack.fault(Fault(method="views.open", kind="stall", seconds=4))
        clicked = bot.slack.click("ana", "ops", parent["ts"], "operation:abort")
        assert clicked.acknowledged
        assert clicked.ms < 1500
        eventually(lambda: "could not be opened" in str(bot.slack.ephemerals("ana")))


def test_while_redis_is_away_people_are_told_and_all_goes_on_when_it_is_back(
    policy: Path,
) -> None:
    with (
        sandbox_redis.running(appendfsync="everysec") as server,
        Redis.from_url(server.url, decode_responses=True) as redis,
    ):
        publish_nodes(redis, "node-1")
        with running_bot(server.url, policy) as bot:
            bot.slack.slash("ana", "ops", "/drain", "node-1")
            (parent,) = eventually(lambda: bot.slack.messages("ops"))
            server.stop()
            asked = bot.slack.slash("ana", "ops", "/drain", "node-1")
            assert asked.acknowledged
            assert "twice does no harm" in str(asked.body)
            clicked = bot.slack.click("ana", "ops", parent["ts"], "operation:abort")
            assert clicked.acknowledged
            # One is the command's answer, the other came past Redis by the click's response_url.
            eventually(lambda: str(bot.slack.ephemerals("ana")).count("twice does no harm") == 2)
            assert ready(bot.probes)["status"] == "not ready"
            server.restart()
            eventually(lambda: ready(bot.probes)["status"] == "ready")
            status = bot.slack.slash("ana", "ops", "/drain", "status")
            assert "node-1" in str(status.body)


def test_a_socket_mode_that_can_not_reconnect_tries_again_soon(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy, socket_mode=True) as bot:
        eventually(lambda: ready(bot.probes)["slack"] == "ok")
        # As often as the SDK looks by itself this would take forty seconds.
        bot.slack.fault(Fault(method="apps.connections.open", kind="status", status=503, times=4))
        bot.slack.refresh(how="drop")
        eventually(lambda: ready(bot.probes)["slack"] != "ok")
        eventually(lambda: ready(bot.probes)["slack"] == "ok", within_s=30)
        assert bot.slack.slash("ana", "ops", "/drain", "node-1").acknowledged


def test_redis_that_is_away_at_the_start_is_waited_for_with_one_line(
    policy: Path, redis_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
    with start_bot(environment(nobody, policy, **TOKENS)) as process:
        process.wait_for_line("waiting")
        time.sleep(2)
        said = [line for line in process.lines() if "Redis" in line]
        assert len(said) == 1
        assert process.alive()
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        assert process.wait(within_s=10) == 0
        assert time.monotonic() - began < 2
    assert redis_url


def test_slack_that_is_away_at_the_start_is_waited_for(redis_url: str, policy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/api/"
    env = environment(redis_url, policy, **TOKENS, SLACK_API_URL=nobody)
    with start_bot(env) as process:
        process.wait_for_line("waiting")
        assert process.alive()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "SLACK_BOT_TOKEN is refused by Slack (invalid_auth)"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "SLACK_APP_TOKEN is refused by Slack"),
        ({"DRAINBOT_POLICY": "/nowhere.yaml"}, "/nowhere.yaml"),
        ({"DRAINBOT_PROBE_LISTEN": "192.0.2.1:1"}, "can't listen on 192.0.2.1:1"),
        ({"DRAINBOT_SLACK_LISTEN": "192.0.2.1:1"}, "listen on 192.0.2.1:1"),
        ({"DRAINBOT_REDIS_URL": "nonsense"}, "DRAINBOT_REDIS_URL is wrong"),
    ],
)
def test_what_can_not_work_ends_the_program_with_a_clear_last_line(
    redis_url: str, policy: Path, change: dict[str, str], said: str
) -> None:
    with sandbox.slack.running(sandbox.slack.demo_workspace()) as slack:
        app = slack.workspace().apps[0]
        given = {
            "SLACK_BOT_TOKEN": app.bot_token,
            "SLACK_SIGNING_SECRET": app.signing_secret,
            "SLACK_API_URL": slack.api_url,
            "DRAINBOT_SLACK_LISTEN": "127.0.0.1:0",
            **change,
        }
        with start_bot({**environment(redis_url, policy), **given}) as process:
            assert process.wait(within_s=30) == 2
            last = process.lines()[-1]
            assert said in last
            assert last.startswith("drainbot: ")
            assert not any("Traceback" in line for line in process.lines())


def test_a_policy_of_another_workspace_is_refused(redis_url: str, policy: Path) -> None:
    policy.write_text(POLICY.replace("T0SANDBOX", "T0OTHER"))
    with sandbox.slack.running(sandbox.slack.demo_workspace()) as slack:
        app = slack.workspace().apps[0]
        env = environment(
            redis_url,
            policy,
            SLACK_BOT_TOKEN=app.bot_token,
            SLACK_SIGNING_SECRET=app.signing_secret,
            SLACK_API_URL=slack.api_url,
        )
        with start_bot(env) as process:
            assert process.wait(within_s=30) == 2
            assert "the policy is for T0OTHER" in process.lines()[-1]


def test_without_a_policy_it_runs_and_refuses_everything(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    with running_bot(redis_url, policy, DRAINBOT_POLICY="") as bot:
        asked = bot.slack.slash("ana", "ops", "/drain", "node-1")
        assert "DRAINBOT_POLICY" in str(asked.body)


def test_it_stops_within_two_seconds(redis_url: str, policy: Path) -> None:
    with running_bot(redis_url, policy) as bot:
        began = time.monotonic()
        bot.process.signal(signal.SIGTERM)
        assert bot.process.wait(within_s=10) == 0
        assert time.monotonic() - began < 2
