"""`drainbot freeze`, `thaw` and `policy explain`."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from bot.groups import GroupStore, People
from jobs.models import Refused
from tests.bot.listeners.listening import OPS, FakeClient
from tests.bot.running import POLICY, environment, publish_nodes

Run = Callable[..., tuple[int, str, str]]
EXAMPLE = str(Path("tests/jobs/policy/policy.example.yaml").resolve())


# -- freeze --------------------------------------------------------------------------------------


def test_freeze_takes_the_reason_as_it_is_typed_and_thaw_ends_it(
    client: FakeClient, run: Run
) -> None:
    code, out, _ = run("freeze", "storage", "is", "degraded")
    assert (code, "prod-eu is frozen" in out) == (0, True)
    (held,) = client.freezes.values()
    assert held.reason == "storage is degraded"
    code, out, _ = run("freeze", "again")
    assert "was frozen already by U01ANA" in out
    code, out, _ = run("thaw", "--json")
    assert (code, json.loads(out)["changed"], client.freezes) == (0, True, {})


def test_freeze_of_a_cluster_by_name_and_of_one_that_is_not_there(
    client: FakeClient, run: Run
) -> None:
    assert run("freeze", "prod-eu", "deploy")[0] == 0
    assert [*client.freezes] == ["prod-eu"]
    code, _, err = run("freeze", "prod-eo", "deploy")
    assert (code, "Did you mean prod-eu" in err) == (2, True)
    code, _, err = run("freeze", "deploy", "--cluster", "nowhere")
    assert (code, "nowhere" in err) == (2, True)


def test_a_freeze_without_a_reason_is_a_wrong_command(client: FakeClient, run: Run) -> None:
    assert run("freeze")[0] == 2
    assert run("freeze", "prod-eu")[0] == 2
    assert client.freezes == {}


def test_a_freeze_that_the_policy_refuses_ends_with_three(client: FakeClient, run: Run) -> None:
    client.refuse = Refused(reason="You can't freeze this cluster.", who_may=("S0SRE",))
    code, _, err = run("freeze", "why")
    assert (code, "Ask S0SRE" in err) == (3, True)


def test_a_freeze_is_judged_in_the_clusters_channel(client: FakeClient, run: Run) -> None:
    run("freeze", "why")
    assert any(OPS in call for call in client.calls)


# -- policy explain ------------------------------------------------------------------------------


def explain(run: Run, *arguments: str) -> tuple[int, str, str]:
    return run("policy", "explain", *arguments)


def test_a_file_labels_and_groups_need_no_redis(run: Run) -> None:
    code, out, _ = explain(
        run, "U2", "db-1", "--policy", EXAMPLE, "--label", "pool=db", "--group", "S0ONCALL"
    )
    assert code == 0
    assert out.splitlines() == [
        "db-1 in prod-eu (pool=db): rule 1 of 2",
        "U2: Slack groups S0ONCALL",
        "  request  no: You can't drain this: it needs sre. May: S0SRE or U02BOB.",
        "  approve  yes, by group:S0ONCALL (it takes 2 votes)",
        "  decide   yes, by group:S0ONCALL",
        "  force    yes, by group:S0ONCALL (it takes 2 votes)",
        "  freeze   no: You can't freeze this cluster: it needs sre. May: S0SRE or U02BOB.",
        "  thaw     yes, by group:S0ONCALL",
        "  to force pods of payments: a vote of S0PAY too",
    ]


def test_programs_get_the_verdicts_as_one_object(run: Run) -> None:
    _, out, _ = explain(
        run, "U2", "web-1", "--policy", EXAMPLE, "--label", "a=b", "--group", "S0SRE", "--json"
    )
    said = json.loads(out)
    assert (said["rule"], said["node"], said["groups"]) == (2, "web-1", ["S0SRE"])
    verdicts = {each["act"]: each["allowed"] for each in said["verdicts"]}
    assert verdicts == {
        "request": True, "approve": False, "decide": True, "force": True, "freeze": True,
        "thaw": True,
    }  # fmt: skip


def test_a_label_that_is_none_and_a_cluster_that_is_not_there_are_wrong_commands(run: Run) -> None:
    known = ("--policy", EXAMPLE, "--group", "S0SRE")
    assert explain(run, "U2", "n", *known, "--label", "pool")[0] == 2
    code, _, err = explain(run, "U2", "prod-eo/n", *known, "--label", "a=b")
    assert (code, "Did you mean prod-eu" in err) == (2, True)


@pytest.fixture
def told(
    redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> GroupStore:
    """The environment of a command, with a node that the watcher has seen."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    for name, value in environment(redis_url, file).items():
        monkeypatch.setenv(name, value)
    publish_nodes(redis, "node-1")
    return GroupStore(redis, "T0SANDBOX")


def test_what_worker_and_slack_told_last_is_what_counts(told: GroupStore, run: Run) -> None:
    _, out, _ = explain(run, "U0CY", "node-1")
    assert "U0CY: in which Slack groups is not known at the moment" in out
    assert "  force    no: You can't force this: it needs oncall, and who is in" in out
    told.save(People(at=time.time(), groups={"S0ONCALL": frozenset({"U0CY"})}))
    _, out, _ = explain(run, "T0SANDBOX:U0CY", "demo/node-1")
    assert "  force    yes, by group:S0ONCALL (one vote does)" in out
    assert "U0CY: Slack groups S0ONCALL, as of" in out


def test_groups_that_are_older_because_slack_is_away_are_said_to_be(
    told: GroupStore, run: Run
) -> None:
    told.save(People(at=time.time() - 3600, groups={"S0ONCALL": frozenset({"U0CY"})}))
    told.note_away(time.time())
    assert "Slack is away since" in explain(run, "U0CY", "node-1")[1]


def test_a_node_that_nobody_has_seen_is_named_with_what_was_meant(
    told: GroupStore, run: Run
) -> None:
    code, _, err = explain(run, "U0ANA", "nod-1")
    assert (code, "Did you mean node-1" in err, "--label" in err) == (2, True, True)
    assert told.load().at == 0
