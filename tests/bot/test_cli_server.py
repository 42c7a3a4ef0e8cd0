"""The command line over HTTP: without Redis and policy, the same commands and exit codes."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from jobs.models import OperationEnd
from tests.bot.api.calling import Api, calling, policy_with_tokens, publish, token_of
from tests.bot.running import ROOT
from tests.jobs.conftest import Play, play
from tests.jobs.story import block

__all__ = ["play"]  # the fixture of the stories, for this file too


def shell(
    api: Api | None, *words: str, by: str = "ana", **more: str
) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1", **more}
    if by:
        env["DRAINBOT_TOKEN"] = token_of(by)
    server = ["--server", api.url] if api else []
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *words, *server],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_drain_is_asked_for_followed_and_decided_over_http(play: Play, redis_url: str) -> None:
    policy = policy_with_tokens()
    story = play(policy=policy)
    block(story)
    with calling(redis_url, policy) as api:
        asked = shell(api, "drain", "node-1", "--json", "--reason", "disk")
        assert asked.returncode == 0, asked.stderr
        operation = json.loads(asked.stdout)["operation"]
        question = story.question(operation)
        status = shell(api, "status", operation)
        assert f"drainbot decide {question.id} CHOICE" in status.stdout
        made = json.loads(shell(api, "webhook", question.id, "skip", "--json").stdout)
        assert api.post(made["path"], by="").json["settled_by_you"]
        late = shell(api, "decide", question.id, "retry", by="bo")
        assert (late.returncode, "Already settled" in late.stderr) == (1, True)
        assert story.finish(operation).end is OperationEnd.PARTLY
        history = shell(api, "history", operation, "--json")
        assert json.loads(history.stdout)["about"] == operation
        assert shell(api, "orphans").returncode == 0
        assert shell(api, "audit", "verify").returncode == 0
        plan = shell(api, "plan", "node-2")
        assert (plan.returncode, "node-2" in plan.stdout) == (0, True), plan.stderr


@pytest.mark.parametrize(
    ("words", "by", "code", "said"),
    [
        (("drain", "node-1"), "eve", 3, "it needs sre"),
        (("drain", "node-1"), "ana.read", 3, "does not have the scope request"),
        (("drain", "nod-1"), "ana", 2, "Did you mean node-1"),
        (("status", "7f3k9q"), "ana", 1, "There is no operation"),
        (("list",), "stranger", 3, "does not know this token"),
        (("list",), "", 2, "DRAINBOT_TOKEN is not set"),
        (("list", "--cluster", "x"), "ana", 2, "has no cluster x"),
    ],
)
def test_the_exit_codes_are_those_over_redis(
    redis: "Redis", redis_url: str, words: tuple[str, ...], by: str, code: int, said: str
) -> None:
    publish(redis, "node-1")
    with calling(redis_url, policy_with_tokens()) as api:
        done = shell(api, *words, by=by)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_away_ends_with_4_and_one_line(tmp_path: Path) -> None:
    done = shell(None, "list", DRAINBOT_SERVER="http://127.0.0.1:1")
    assert done.returncode == 4
    assert done.stderr.startswith("drainbot: The server can't be reached")
    assert done.stderr.count("\n") == 1
    wrong = shell(None, "list", DRAINBOT_SERVER="ftp://x")
    assert (wrong.returncode, "http://127.0.0.1:8070" in wrong.stderr) == (2, True)


def test_the_token_may_stand_in_a_file(redis: "Redis", redis_url: str, tmp_path: Path) -> None:
    publish(redis, "node-1")
    file = tmp_path / "token"
    with calling(redis_url, policy_with_tokens()) as api:
        missing = shell(api, "list", by="", DRAINBOT_TOKEN_FILE=str(file))
        assert (missing.returncode, "can't be read" in missing.stderr) == (2, True)
        file.write_text(f"{token_of('ana')}\n")
        assert shell(api, "list", by="", DRAINBOT_TOKEN_FILE=str(file)).returncode == 0


def test_a_token_is_made_with_the_line_that_the_policy_needs() -> None:
    words = ("token", "--user", "U01ANA", "--scope", "read", "--scope", "decide")
    made = json.loads(shell(None, *words, "--json", by="").stdout)
    assert hashlib.sha256(made["token"].encode()).hexdigest() == made["sha256"]
    assert (made["user"], made["scopes"], len(made["token"])) == ("U01ANA", ["read", "decide"], 43)
    shown = shell(None, *words, by="").stdout
    assert "user: U01ANA, scopes: [read, decide]}" in shown
    assert shell(None, "token", "--user", "ana", "--scope", "read", by="").returncode == 2
    assert shell(None, "token", "--user", "U01ANA", "--scope", "fly", by="").returncode == 2


def test_a_webhook_lives_as_long_as_it_is_told_within_bounds() -> None:
    words = ("webhook", "test-q-0123456789ab", "skip")
    for expires in ("1s", "8d", "soon", "-1h"):
        done = shell(None, *words, "--expires", expires, DRAINBOT_SERVER="http://127.0.0.1:1")
        assert (done.returncode, "--expires takes" in done.stderr) == (2, True)
