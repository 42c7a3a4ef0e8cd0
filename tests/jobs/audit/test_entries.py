"""Each change that people make or are told of leaves one entry, also if its call is sent twice."""

from typing import Any

import pytest
from redis import Redis

from jobs.audit import AuditLog, entry_of, without_pods
from jobs.durable.records import Token
from jobs.models import AuditEntry
from jobs.nodes import NodeStore, Reservation
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

FACTS = '{"grounds":{"via":"cli","rests_on":["user:U1"]},"nodes":["node-1"]}'


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)


@pytest.fixture
def token(group: Group) -> Token:
    calls.start(group)
    return group.take()


def written(group: Group) -> list[AuditEntry]:
    return [entry_of(text, seq) for seq, text in AuditLog(group.store).numbered(1, 1000)]


def only(group: Group, what: str) -> AuditEntry:
    found = [entry for entry in written(group) if entry.what == what]
    assert len(found) == 1, found
    return found[0]


def test_a_start_is_written_once(group: Group) -> None:
    calls.start(group, audit=FACTS)
    entry = only(group, "started")
    assert (entry.operation, entry.nodes, entry.at) == ("op-1", ("node-1",), group.clock.at)
    assert entry.grounds is not None
    assert entry.grounds.rests_on == ("user:U1",)


def test_a_start_that_starts_nothing_writes_nothing(group: Group) -> None:
    calls.start(group, audit=FACTS)
    calls.start(group, "op-2", dedup="d-op-1", audit=FACTS)
    assert len(written(group)) == 1


@pytest.mark.parametrize("action", ["abort", "pause"])
def test_a_flag_is_written_once_and_not_where_it_stood_already(
    group: Group, token: Token, action: str
) -> None:
    calls.control(group, action, audit=FACTS)
    calls.control(group, action, audit=FACTS)
    entry = only(group, action)
    assert (entry.by, entry.note, entry.operation) == ("T:U1", "wrong node", "op-1")
    assert entry.grounds is not None


def test_a_resume_is_written_once(group: Group, token: Token) -> None:
    calls.control(group, "resume")
    calls.control(group, "pause")
    calls.control(group, "resume")
    only(group, "resume")


def test_a_question_and_each_vote_are_written_once_and_who_counted_with_the_last(
    group: Group, token: Token
) -> None:
    two = calls.question(votes_needed='{"force":2}')
    calls.suspend(group, token, calls.ANSWER, ask=(two,))
    asked = only(group, "asked")
    assert (asked.question, asked.kind, asked.operation) == ("q-1", "block", "op-1")
    group.clock.advance(5)
    calls.settle(group, "force", by="T:U1", note="a", audit=FACTS)
    calls.settle(group, "force", by="T:U1")  # once more: it does not count, and is not written
    calls.settle(group, "force", by="T:U2", note="b", audit=FACTS)
    calls.settle(group, "skip", by="T:U3", audit=FACTS)  # too late
    votes = [entry for entry in written(group) if entry.what == "vote"]
    assert [(vote.by, vote.result, vote.note) for vote in votes] == [
        ("T:U1", "voted", "a"), ("T:U2", "settled", "b"),
    ]  # fmt: skip
    assert votes[0].counted == ()
    assert set(votes[1].counted) == {"T:U1", "T:U2"}
    assert votes[1].asked_at == asked.at
    assert not [entry for entry in written(group) if entry.what == "closed"]


def test_a_wait_is_written_once(group: Group, token: Token) -> None:
    calls.suspend(group, token, calls.ANSWER, calls.timer(movable=True), ask=(calls.question(),))
    group.twice(
        "postpone", question="q-1", by="T:U1", note="later", ms=1000, choice="wait", audit=FACTS
    )
    vote = only(group, "vote")
    assert (vote.choice, vote.result, vote.note) == ("wait", "postponed", "later")


def test_a_question_that_nobody_answered_is_written_as_closed(group: Group, token: Token) -> None:
    calls.suspend(group, token, calls.ANSWER, calls.timer(seconds=60), ask=(calls.question(),))
    group.clock.advance(61)
    group.sweep()
    group.sweep()
    entry = only(group, "closed")
    assert (entry.question, entry.note) == ("q-1", "nobody_answered")


def test_a_question_that_is_no_longer_needed_is_written_as_closed(
    group: Group, token: Token
) -> None:
    calls.suspend(group, token, calls.ANSWER, calls.signal(), ask=(calls.question(),))
    group.twice("signal", id="op-1", signal="freed", value="null")
    assert only(group, "closed").note == "no_longer_needed"


def test_a_line_of_the_story_is_written_once_and_a_step_not_at_all(
    group: Group, token: Token
) -> None:
    before = len(written(group))
    calls.commit(group, token, "one")
    assert len(written(group)) == before
    line = '{"key":"op-1.1","what":"forced","at":7,"fields":{"node":"node-1","by":"T:U1"}}'
    calls.commit(group, token, "two", log=[line])
    entry = only(group, "told")
    assert (entry.word, entry.at, entry.nodes, entry.by) == ("forced", 7, ("node-1",), "T:U1")


def test_the_end_of_an_operation_is_written_once_and_that_of_its_children_not(
    group: Group, token: Token
) -> None:
    calls.spawn(group, token)
    calls.finish(group, group.take("op-1-1"))
    calls.finish(group, token, state="done", outcome='{"end":"partly","detail":"x"}')
    entry = only(group, "ended")
    assert entry.fields == {"state": "done", "end": "partly", "detail": "x"}


def test_what_a_child_tells_is_its_operations(group: Group, token: Token) -> None:
    calls.spawn(group, token)
    line = '{"key":"op-1-1.1","what":"drained","at":7,"fields":{"node":"node-1"}}'
    calls.commit(group, group.take("op-1-1"), log=[line])
    entry = only(group, "told")
    assert (entry.operation, entry.workflow) == ("op-1", "op-1-1")


def test_reservations_and_modes_of_nodes_are_written_once(group: Group, token: Token) -> None:
    nodes = NodeStore(group.store)
    wanted = [Reservation("node-1", "u1", 0), Reservation("node-2", "u2", 0)]
    nodes.reserve(token, "op-1", wanted, max_away=5, by="T:U1", why="disk")
    entry = only(group, "reserved")
    assert (entry.nodes, entry.by, entry.note) == (("node-1", "node-2"), "T:U1", "disk")
    for _ in range(2):  # a second activation does it again
        assert nodes.change(
            token, "op-1", "node-1", came_from=["accepting"], to="draining", by="T:U1"
        )
    entry = only(group, "node_mode")
    assert (entry.nodes, entry.fields["from"], entry.fields["to"]) == (
        ("node-1",), "accepting", "draining",
    )  # fmt: skip


def test_a_freeze_and_a_thaw_are_written_once_and_belong_to_no_operation(group: Group) -> None:
    for on in (True, False):
        sent: dict[str, Any] = {"on": on, "by": "T:U1", "reason": "storm", "evidence": ""}
        group.twice("freeze", **sent, audit=FACTS)
        group.twice("freeze", **sent, audit=FACTS)
    frozen, thawed = only(group, "frozen"), only(group, "thawed")
    assert (frozen.operation, frozen.by, frozen.note) == ("", "T:U1", "storm")
    assert thawed.grounds is not None


def test_what_is_forgotten_stays_in_the_log(group: Group, token: Token) -> None:
    calls.finish(group, token)
    before = written(group)
    group.clock.advance(40 * 86_400)
    assert group.store.forget(group.clock.at) == 1
    assert written(group) == before


def test_words_of_people_are_kept_as_they_wrote_them(group: Group, token: Token) -> None:
    odd = 'say "no"\n{"at":1} \\ \u2028 é \x07'
    calls.control(group, "pause", reason=odd, audit=FACTS)
    assert only(group, "pause").note == odd


def test_elsewhere_nobody_reads_which_pod_made_it_another_question() -> None:
    because = "payments/db-0 on node-2 can't move either, for the same budget"
    asked = AuditEntry(
        seq=1, what="asked", operation="op-1", fields={"because": because, "of": "2"}
    )
    started = AuditEntry(seq=2, what="started", operation="op-1", channel="C01")
    (elsewhere, _) = without_pods((asked, started), "C02", frozenset())
    assert elsewhere.fields == {"of": "2"}
    assert without_pods((asked, started), "C01", frozenset())[0] == asked
