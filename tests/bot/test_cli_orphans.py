"""`drainbot orphans`, with the worker's answer in memory."""

import json
import sys
from collections.abc import Callable

import pytest

from bot import cli, cli_orphans, cli_session
from bot.commands import Desk, NodeBook
from bot.groups import Directory, People
from jobs.models import OrphanView, Principal, Refused
from tests.bot.listeners.listening import ANA, OPS, POLICY, TEAM, FakeClient, FixedStore
from tests.bot.orphanage import FakeOrphans, NoHooks

Run = Callable[..., tuple[int, str, str]]
LOST = OrphanView(
    node="node-1", uid="u1", operation="prod-eu-7f3k9q", since="2026-01-01T00:00:00Z",
    requested_by="T01:U01ANA", reason="kernel",
)  # fmt: skip
KEPT = OrphanView(node="node-2", uid="u2", operation="prod-eu-000000", stays_cordoned=True)
THEIRS = OrphanView(node="node-3", uid="u3", operation="lab-000000", foreign=True)


@pytest.fixture
def orphans(monkeypatch: pytest.MonkeyPatch) -> FakeOrphans:
    fake, client = FakeOrphans(found=(LOST, KEPT, THEIRS)), FakeClient()
    directory = Directory(FixedStore(People()), [])
    desk = Desk(client, POLICY, directory, NodeBook(client))
    principal = Principal(team=TEAM, user=ANA, via="cli")
    session = cli_session.Session(desk, principal, "prod-eu", fake, NoHooks())
    monkeypatch.setattr(cli_orphans, "opened", lambda: session)
    monkeypatch.setattr("bot.cli_orphans.time.sleep", lambda _seconds: None)
    return fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def invoke(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["drainbot", "orphans", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return invoke


def test_they_are_listed_with_whose_they_were_and_how_to_undo_them(
    orphans: FakeOrphans, run: Run
) -> None:
    code, out, err = run()
    assert code == 0
    assert out.splitlines() == [
        "node-1: operation prod-eu-7f3k9q since 2026-01-01T00:00:00Z by T01:U01ANA (kernel)",
        "node-2: operation prod-eu-000000; was cordoned before, and stays so",
        "node-3: another drainbot's operation lab-000000",
        "Undo them with: drainbot orphans --undo NODE… (or --undo --all)",
    ]
    assert "waiting for one" in err
    assert orphans.asked == [("prod-eu", (), False, OPS)]


def test_those_that_are_named_are_undone(orphans: FakeOrphans, run: Run) -> None:
    code, out, _ = run("--undo", "node-1")
    assert code == 0
    assert "(kernel): undone: our cordon is undone" in out
    assert orphans.asked == [("prod-eu", ("node-1",), False, OPS)]


def test_whoever_can_not_have_what_they_asked_for_gets_another_exit_code(
    orphans: FakeOrphans, run: Run
) -> None:
    code, out, _ = run("--undo", "node-1", "node-9")
    assert code == 1
    assert "node-9: not undone: no orphaned cordon is on it" in out
    assert run("--undo", "--all")[0] == 1  # another drainbot's stays


def test_programs_get_one_object(orphans: FakeOrphans, run: Run) -> None:
    code, out, _ = run("--json", "--undo", "node-2")
    assert code == 0
    shown = json.loads(out)
    assert [orphan["undone"] for orphan in shown["orphans"]] == [False, True, False]


def test_where_there_are_none_that_is_said(orphans: FakeOrphans, run: Run) -> None:
    orphans.found = ()
    assert run()[:2] == (0, "No cordon of drainbot's in prod-eu is without its operation.\n")


@pytest.mark.parametrize("wrong", [("node-1",), ("--undo",), ("--all",), ("--undo", "--all", "n")])
def test_half_a_wish_changes_nothing(
    orphans: FakeOrphans, run: Run, wrong: tuple[str, ...]
) -> None:
    code, _, err = run(*wrong)
    assert code == 2
    assert "--undo" in err
    assert orphans.asked == []


def test_a_refusal_is_said_in_words(orphans: FakeOrphans, run: Run) -> None:
    orphans.refuse = Refused(reason="You may not undo orphaned cordons here.")
    code, _, err = run("--undo", "--all")
    assert code == 3
    assert "You may not undo orphaned cordons here." in err


def test_a_worker_that_could_not_look_is_no_empty_list(orphans: FakeOrphans, run: Run) -> None:
    orphans.found, orphans.failed = (), "nodes is forbidden"
    code, out, err = run()
    assert (code, out) == (1, "")
    assert "nodes is forbidden" in err


def test_a_worker_that_never_answers_is_not_waited_for_for_ever(
    orphans: FakeOrphans, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_orphans, "_PATIENCE", -1.0)
    code, _, err = run()
    assert code == 1
    assert "list them again" in err
    assert orphans.looks == 1
