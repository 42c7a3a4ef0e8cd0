"""`drainbot history` and `drainbot audit`: words, JSON and exit codes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from jobs.models import AuditEntry, AuditFinding, AuditReport, History, Refused
from tests.bot.listeners.listening import NOW, OPERATION, FakeClient
from tests.bot.messages.test_history_words import ENTRIES

Run = Callable[..., tuple[int, str, str]]
HEAD = f"3:{'ab' * 32}"


def put(client: FakeClient, about: str) -> None:
    client.histories.known[about] = History(cluster="prod-eu", about=about, entries=ENTRIES)


def found(**fields: Any) -> AuditReport:
    whole = {"cluster": "prod-eu", "linked": 3, "written": 3, "head": HEAD, "examined_at": NOW}
    return AuditReport.model_validate({**whole, **fields})


def test_the_history_of_an_operation_is_told_in_words(client: FakeClient, run: Run) -> None:
    put(client, OPERATION)
    code, out, _ = run("history", "7F3K9Q")
    assert code == 0
    assert out.startswith("History of op 7F3K9Q in prod-eu\n")
    assert "asked to drain node-17" in out
    assert client.histories.asked[-1] == ("operation", "T01DEMO:U01ANA", "prod-eu", OPERATION, None)


def test_the_history_of_a_node_is_told_and_as_json_for_programs(
    client: FakeClient, run: Run
) -> None:
    put(client, "node-17")
    code, out, _ = run("history", "node-17", "--json")
    assert code == 0
    shown = History.model_validate(json.loads(out))
    assert (shown.about, len(shown.entries)) == ("node-17", len(ENTRIES))


def test_a_node_that_is_gone_has_a_history_too(client: FakeClient, run: Run) -> None:
    put(client, "node-99")
    assert run("history", "node-99")[0] == 0


def test_a_node_without_any_history_is_told_so(client: FakeClient, run: Run) -> None:
    code, out, _ = run("history", "node-17")
    assert (code, "knows nothing of it" in out) == (0, True)


def test_what_is_neither_a_node_nor_an_operation_is_a_wrong_command(
    client: FakeClient, run: Run
) -> None:
    code, _, err = run("history", "node-171")
    assert code == 2
    assert "Did you mean node-17" in err


def test_the_history_of_a_cluster_that_is_not_there_is_a_wrong_command(
    client: FakeClient, run: Run
) -> None:
    assert run("history", "nowhere/node-17")[0] == 2


def test_who_may_not_read_is_refused(client: FakeClient, run: Run) -> None:
    client.histories.refuse = Refused(reason="This token does not have the scope read.")
    for words in (("history", "node-17"), ("audit", "show"), ("audit", "verify")):
        code, out, err = run(*words)
        assert (code, out) == (3, "")
        assert "scope read" in err


def test_a_log_that_is_whole_ends_well_and_gives_its_head(client: FakeClient, run: Run) -> None:
    client.histories.report = found()
    code, out, _ = run("audit", "verify")
    assert code == 0
    assert f"is whole: 3 entries. Its head, to be kept as an anchor: {HEAD}" in out


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("changed", "Entry 2 was changed"),
        ("missing", "Entry 2 is missing"),
        ("moved", "Entry 2 was moved: it stands at place 3"),
        ("added", "The entry at place 2 was put in"),
        ("hash", "The hash of entry 2 was changed"),
        ("cut_off", "entry 2 and all after it are gone"),
        ("anchor", "Entry 2 is not the anchor's: the log was written anew after entry 1"),
    ],
)
def test_whatever_was_done_is_named_and_ends_badly(
    client: FakeClient, run: Run, kind: str, words: str
) -> None:
    finding = AuditFinding(kind=kind, seq=2, place=3)
    client.histories.report = found(findings=(finding,), good=1)
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert words in out
    assert "is NOT whole" in out
    assert HEAD not in out
    code, out, _ = run("audit", "verify", "--json")
    assert (code, AuditReport.model_validate(json.loads(out)).findings) == (1, (finding,))


def test_entries_that_nobody_links_for_a_minute_are_said_and_end_badly(
    client: FakeClient, run: Run
) -> None:
    client.histories.report = found(waiting=2, waiting_since=NOW - 59_000)
    assert run("audit", "verify")[0] == 0
    client.histories.report = found(waiting=2, waiting_since=NOW - 61_000)
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert "2 entries since" in out


def test_anchors_are_passed_on_and_an_odd_one_is_a_wrong_command(
    client: FakeClient, run: Run
) -> None:
    client.histories.report = found()
    assert run("audit", "verify", "--anchor", HEAD, "--anchor", "1:b")[0] == 0
    assert client.histories.asked[-1] == ("verify", "T01DEMO:U01ANA", "prod-eu", HEAD, "1:b")


def test_entries_are_shown_with_their_numbers_in_words_and_as_json(
    client: FakeClient, run: Run
) -> None:
    client.histories.log = ENTRIES
    code, out, _ = run("audit", "show")
    assert code == 0
    assert out.startswith("1 op 7F3K9Q ")
    assert client.histories.asked[-1] == ("entries", "T01DEMO:U01ANA", "prod-eu", 0, 50)
    _, out, _ = run("audit", "show", "--json", "--from", "4", "--most", "0")
    lines = out.splitlines()
    assert [AuditEntry.model_validate_json(line) for line in lines] == list(ENTRIES)
    assert client.histories.asked[-1][-2:] == (4, 500)


def test_the_log_of_a_cluster_that_is_not_there_is_a_wrong_command(
    client: FakeClient, run: Run
) -> None:
    assert run("audit", "verify", "--cluster", "nowhere")[0] == 2
