import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from bot.groups import GroupStore, People
from bot.settings import all_fields
from jobs.models import (
    Acted,
    Decided,
    NodeView,
    OperationEnd,
    OperationState,
    OperationView,
    Outcome,
    Refused,
)
from jobs.options import FLAGS
from tests.bot.listeners.listening import (
    ANA,
    NOW,
    OPERATION,
    OPS,
    QUESTION,
    TEAM,
    VIEW,
    FakeClient,
)
from tests.bot.running import POLICY as FILE
from tests.bot.running import TOKEN, environment, publish_nodes

Capture = pytest.CaptureFixture[str]


def ended(end: OperationEnd) -> OperationView:
    return VIEW.model_copy(
        update={
            "state": OperationState.ENDED,
            "end": end,
            "ended_at": NOW,
            "nodes": (NodeView(name="node-17", safe_to_power_off=True),),
        }
    )


Run = Callable[..., tuple[int, str, str]]


def test_a_drain_takes_kubectls_flags_in_any_order(client: FakeClient, run: Run) -> None:
    code, out, _ = run(
        "drain",
        "node-1",
        "--timeout=5m",
        "--reason",
        "disk swap",
        "--grace-period",
        "30",
        "node-17",
    )
    assert (code, "op 7F3K9Q" in out) == (0, True)
    (request,) = client.asked.values()
    assert request.nodes == ("node-1", "node-17")
    assert (request.options.timeout, request.options.grace_period) == (300, 30)
    assert (request.reason, request.channel, request.cluster) == ("disk swap", OPS, "prod-eu")


def test_each_run_is_an_act_of_its_own(client: FakeClient, run: Run) -> None:
    run("drain", "node-1")
    run("drain", "node-1")
    assert len(client.asked) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("drain", "node-1", "--frobnicate"), "There is no flag `--frobnicate`"),
        (("drain", "nod-17"), "Did you mean node-17"),
        (("drain", "prod-us/node-1"), "There is no cluster `prod-us`"),
        (("drain", "node-1", "--cluster", "prod-us"), "There is no cluster `prod-us`"),
        (("status", "nonsense"), "is not an operation"),
        (("list", "--cluster", "x"), "The policy has no cluster x"),
        (("uncordon", "a b"), "One node at a time"),
        (("drain",), "Missing argument"),
        (("explode",), "No such command"),
        (("decide", QUESTION), "Missing argument"),
    ],
)
def test_a_wrong_command_ends_with_2_and_one_clear_line(
    client: FakeClient, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert client.acts("submit", "decide", "abort", "uncordon") == []


def test_a_refusal_ends_with_3_and_one_line(client: FakeClient, run: Run) -> None:
    client.refuse = Refused(reason="You can't drain this: it needs sre.", who_may=("U02BOB",))
    for arguments in (("drain", "node-1"), ("abort", "7F3K9Q"), ("uncordon", "node-1")):
        code, _, err = run(*arguments)
        assert code == 3
        assert err.count("\n") == 1
        assert "it needs sre" in err


def test_redis_that_is_away_ends_with_4_and_one_line(client: FakeClient, run: Run) -> None:
    client.away = True
    code, _, err = run("drain", "node-1")
    assert code == 4
    assert err.startswith("drainbot: Redis can't be reached")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (OperationEnd.DRAINED, 0),
        (OperationEnd.PARTLY, 1),
        (OperationEnd.ABORTED, 1),
        (OperationEnd.STOPPED, 1),
        (OperationEnd.REFUSED, 1),
        (OperationEnd.FAILED, 1),
    ],
)
def test_wait_ends_with_0_only_if_every_node_was_drained(
    client: FakeClient, run: Run, end: OperationEnd, code: int
) -> None:
    client.views[OPERATION] = ended(end)
    assert run("drain", "node-1", "--wait")[0] == code


def test_wait_prints_progress_as_it_comes_and_each_line_once(
    client: FakeClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            node = NodeView(name="node-17", pods_total=21, pods_gone=21)
            client.views[OPERATION] = VIEW.model_copy(update={"nodes": (node,)})
        if len(looks) == 4:
            client.views[OPERATION] = ended(OperationEnd.DRAINED)

    monkeypatch.setattr("bot.cli_show.time.sleep", sleep)
    code, out, _ = run("drain", "node-17", "--wait")
    assert code == 0
    assert [out.count("20 of 21 pods"), out.count("21 of 21 pods")] == [1, 1]
    assert len(looks) == 4


def test_wait_outlasts_a_redis_that_goes_away(
    client: FakeClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        client.away = len(looks) in {1, 2, 3}
        if len(looks) == 5:
            client.views[OPERATION] = ended(OperationEnd.DRAINED)

    monkeypatch.setattr("bot.cli_show.time.sleep", sleep)
    code, _, err = run("drain", "node-17", "--wait")
    assert code == 0
    assert err.count("Redis is away") == 1


def test_json_is_one_object_a_line(client: FakeClient, run: Run) -> None:
    client.views[OPERATION] = ended(OperationEnd.DRAINED)
    _, out, _ = run("drain", "node-17", "--wait", "--json")
    submitted, view = [json.loads(line) for line in out.splitlines()]
    assert submitted == {
        "operation": OPERATION,
        "created": True,
        "worker_seen": True,
        "frozen": None,
    }
    assert (view["id"], view["end"]) == (OPERATION, "drained")
    for arguments in (("status",), ("status", "7F3K9Q"), ("list",)):
        _, out, _ = run(*arguments, "--json")
        assert [json.loads(line)["id"] for line in out.splitlines()] == [OPERATION]
    _, out, _ = run("abort", "7F3K9Q", "--json")
    assert Acted.model_validate_json(out).operation == OPERATION
    _, out, _ = run("decide", QUESTION, "skip", "--json")
    assert Decided.model_validate_json(out).outcome is Outcome.SETTLED


def test_status_and_list_are_readable(client: FakeClient, run: Run) -> None:
    code, out, _ = run("status", "7F3K9Q")
    assert (code, "node-17" in out, "prod-eu" in out) == (0, True, True)
    assert "7F3K9Q" in run("list")[1]
    client.views.clear()
    client.workers = False
    _, out, _ = run("status")
    assert out.splitlines() == [
        "Nothing runs in prod-eu.",
        "No worker of prod-eu is alive: what is asked waits for one.",
    ]
    code, _, err = run("status", "7F3K9Q")
    assert (code, "There is no operation" in err) == (1, True)


def test_a_question_is_decided_with_its_note(client: FakeClient, run: Run) -> None:
    code, out, _ = run("decide", "0123456789AB", "evict-anyway", "--note", "it's fine")
    assert code == 0
    assert "by U01ANA" in out
    (call,) = client.acts("decide")
    assert call[1:5] == (f"{TEAM}:{ANA}", QUESTION, "evict_anyway", "it's fine")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.SETTLED, 0),
        (Outcome.VOTED, 0),
        (Outcome.POSTPONED, 0),
        (Outcome.ALREADY_VOTED, 0),
        (Outcome.CLOSED, 1),
        (Outcome.UNKNOWN, 1),
        (Outcome.NOT_A_CHOICE, 2),
        (Outcome.REFUSED, 3),
    ],
)
def test_each_outcome_of_a_decision_has_its_exit_code(
    client: FakeClient, run: Run, outcome: Outcome, code: int
) -> None:
    question = client.questions[QUESTION]
    client.decided = Decided(outcome=outcome, question=question, reason="No.")
    ended_with, out, err = run("decide", QUESTION, "skip")
    assert ended_with == code
    assert out + err


def test_who_comes_second_is_told_who_was_first(client: FakeClient, run: Run) -> None:
    run("decide", QUESTION, "skip")
    code, _, err = run("decide", QUESTION, "retry")
    assert code == 1
    assert "Already settled" in err
    assert "12 s ago" in err


@pytest.mark.parametrize("verb", ["abort", "pause", "resume"])
def test_an_operation_is_steered_by_its_short_id(client: FakeClient, run: Run, verb: str) -> None:
    code, out, _ = run(verb, "7f3k9q")
    assert (code, "op 7F3K9Q" in out) == (0, True)
    assert client.acts(verb)[0][1:3] == (f"{TEAM}:{ANA}", OPERATION)


def test_a_node_is_given_back(client: FakeClient, run: Run) -> None:
    assert run("uncordon", "lab/node-1")[0] == 0
    assert client.acts("uncordon")[0][1:5] == (f"{TEAM}:{ANA}", "lab", "node-1", "")


def test_help_lists_every_setting_and_every_flag(run: Run) -> None:
    _, out, _ = run("--help")
    assert all(f"{variable} (" in out for variable, _ in all_fields())
    assert "Exit codes" in out
    _, out, _ = run("drain", "--help")
    assert all(f"--{flag.name}" in out for flag in FLAGS)


def test_a_policy_file_is_checked_with_the_line_of_each_mistake(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(FILE)
    code, out, _ = run("policy", "check", str(path))
    assert (code, "is right" in out) == (0, True)
    path.write_text(FILE + "rulez: []\nfallback_channel: C0OPS\n")
    code, _, err = run("policy", "check", str(path))
    assert code == 2
    assert "rulez" in err
    assert "line " in err


def shell(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(FILE)
    return path


def test_on_a_real_redis_the_person_of_the_token_acts(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    env = environment(redis_url, policy, DRAINBOT_TOKEN=TOKEN)
    asked = shell(env, "drain", "node-1", "--json")
    assert asked.returncode == 0, asked.stderr
    operation = json.loads(asked.stdout)["operation"]
    status = json.loads(shell(env, "status", operation, "--json").stdout)
    assert status["requester"] == "T0SANDBOX:U0ANA"
    assert status["channel"] == "C0OPS"
    aborted = shell(env, "abort", operation, "--reason", "wrong node")
    assert aborted.returncode == 0, aborted.stderr


def test_a_token_may_no_more_than_its_scopes(redis: Redis, redis_url: str, policy: Path) -> None:
    publish_nodes(redis, "node-1")
    policy.write_text(FILE.replace("scopes: [read, request, decide]", "scopes: [read]"))
    env = environment(redis_url, policy, DRAINBOT_TOKEN=TOKEN)
    refused = shell(env, "drain", "node-1")
    assert refused.returncode == 3
    assert "scope" in refused.stderr
    assert shell(env, "list").returncode == 0


def test_membership_of_a_group_counts_for_the_command_line_too(
    redis: Redis, redis_url: str, policy: Path
) -> None:
    publish_nodes(redis, "node-1")
    policy.write_text(FILE.replace("sre: [U0ANA, U0BO]", "sre: [U0BO]"))
    env = environment(redis_url, policy, DRAINBOT_TOKEN=TOKEN)
    assert shell(env, "drain", "node-1").returncode == 3
    GroupStore(redis, "T0SANDBOX").save(
        People(at=time.time(), groups={"S0ONCALL": frozenset({"U0ANA"})})
    )
    asked = shell(env, "drain", "node-1")
    assert asked.returncode == 0, asked.stderr


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"DRAINBOT_TOKEN": "wrong"}, 3, "does not know this token"),
        ({"DRAINBOT_TOKEN": ""}, 2, "DRAINBOT_TOKEN is not set"),
        ({"DRAINBOT_POLICY": ""}, 3, "DRAINBOT_POLICY"),
        ({"DRAINBOT_POLICY": "/nowhere"}, 2, "/nowhere"),
        ({"DRAINBOT_REDIS_URL": ""}, 2, "DRAINBOT_REDIS_URL is not set"),
        ({"DRAINBOT_REDIS_URL": "redis://127.0.0.1:1/0"}, 4, "Redis can't be reached"),
    ],
)
def test_whoever_may_not_or_can_not_is_told_in_one_line(
    redis_url: str, policy: Path, change: dict[str, str], code: int, said: str
) -> None:
    env = {**environment(redis_url, policy, DRAINBOT_TOKEN=TOKEN), **change}
    result = shell(env, "status")
    assert result.returncode == code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_commands_do_not_load_what_they_do_not_need() -> None:
    code = (
        "import sys, bot.cli; "
        "print([m for m in ('slack_bolt', 'slack_sdk', 'kubernetes', 'rq', 'uvicorn', 'redis') "
        "if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert loaded.stdout.strip() == "[]"


def test_who_may_do_what_is_told_to_programs_too(client: FakeClient, run: Run) -> None:
    code, out, _ = run("who", "node-1", "--json")
    told = json.loads(out)
    assert (code, told["node"], told["mine"]) == (0, "node-1", ["ask", "decide"])
    assert told["rule"]["request"] == ["sre"]
