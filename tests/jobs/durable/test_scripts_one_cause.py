"""Contracts of one question of several workflows that one cause keeps waiting, each sent twice."""

import json
from typing import Any

import pytest

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

CHANGED = calls.signal("changed") | {"closes_as": "superseded"}
WHY = "payments/db-0 on node-2 is kept by the same budget"


@pytest.fixture
def nodes(group: Group, token: Token) -> tuple[Token, Token]:
    """Two children of an operation."""
    calls.spawn(group, token, "op-1-1")
    calls.spawn(group, token, "op-1-2")
    return group.take("op-1-1"), group.take("op-1-2")


def asks(group: Group, token: Token, question: str, **changes: Any) -> None:
    """Let a workflow wait for an answer, for an hour, or until something outside happens."""
    given = {"cause": "budget db", "joins": WHY, "stop_after": 3_600_000} | changes
    given = {name: value for name, value in given.items() if value is not None}
    asked = calls.question(question, payload=json.dumps({"of": token.id}), **given)
    parts = (calls.ANSWER | {"question": question}, calls.timer(movable=True), CHANGED)
    calls.suspend(group, token, *parts, calls.signal(), ask=(asked,))


def both(group: Group, nodes: tuple[Token, Token]) -> None:
    asks(group, nodes[0], "q-1")
    group.clock.advance(60)
    asks(group, nodes[1], "q-2")


def stops(group: Group) -> set[int]:
    return {at for timer, at in group.members("timers").items() if timer.endswith("|stop")}


def waiting(group: Group, id: str) -> list[str]:
    return [each.workflow for each in group.asked(id).members if not each.left]


def test_the_later_question_takes_the_place_of_the_earlier_and_is_about_both(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    both(group, nodes)
    old, new = group.asked("q-1"), group.asked("q-2")
    assert (old.state, old.superseded_by, old.superseded_because) == ("closed", "q-2", WHY)
    assert [(each.workflow, each.payload) for each in new.members] == [
        ("op-1-1", {"of": "op-1-1"}),
        ("op-1-2", {"of": "op-1-2"}),
    ]
    assert group.store.awaited("op-1-1") == group.store.awaited("op-1-2") == ("q-2",)
    assert group.members("open").keys() == {"q-2"}
    assert calls.settle(group, "skip", "q-1") == "closed"


def test_one_answer_counts_for_all_who_wait(group: Group, nodes: tuple[Token, Token]) -> None:
    both(group, nodes)
    assert calls.settle(group, "skip", "q-2") == "settled"
    for id in ("op-1-1", "op-1-2"):
        assert group.state(id) == "ready"
        stored = calls.step(group, "ask", id)
        assert (stored["won"], json.loads(stored["value"])["choice"]) == ("answer", "skip")
        assert stored["questions"] == {"answer": "q-2"}
    assert stops(group) == set()
    assert group.hash("causes") == {}


def test_votes_on_the_earlier_do_not_count_for_the_later(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    two = {"votes_needed": '{"force":2}'}
    asks(group, nodes[0], "q-1", **two)
    assert calls.settle(group, "force", "q-1", by="T:U1") == "voted"
    asks(group, nodes[1], "q-2", **two)
    assert group.asked("q-2").votes == ()
    assert calls.settle(group, "force", "q-2", by="T:U2") == "voted"
    assert calls.settle(group, "force", "q-2", by="T:U1") == "settled"


@pytest.mark.parametrize("other", [{"cause": "budget web"}, {"cause": None}])
def test_another_cause_is_another_question(
    group: Group, nodes: tuple[Token, Token], other: dict[str, Any]
) -> None:
    asks(group, nodes[0], "q-1")
    asks(group, nodes[1], "q-2", **other)
    assert group.members("open").keys() == {"q-1", "q-2"}


def test_another_operation_is_asked_by_itself(group: Group, nodes: tuple[Token, Token]) -> None:
    asks(group, nodes[0], "q-1")
    calls.start(group, "op-2")
    asks(group, group.take("op-2"), "q-2")
    assert group.members("open").keys() == {"q-1", "q-2"}


def test_a_question_that_was_settled_in_between_is_not_joined(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    asks(group, nodes[0], "q-1")
    assert calls.settle(group, "skip") == "settled"
    asks(group, nodes[1], "q-2")
    assert group.asked("q-1").superseded_by == ""
    assert waiting(group, "q-2") == ["op-1-2"]
    assert group.state("op-1-2") == "suspended"


def test_one_that_is_freed_leaves_and_the_question_and_its_votes_stay(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    asks(group, nodes[0], "q-1")
    asks(group, nodes[1], "q-2", votes_needed='{"force":2}')
    calls.settle(group, "force", "q-2", by="T:U1")
    version = group.asked("q-2").version
    assert group.twice("signal", id="op-1-1", signal="freed", value="1")["result"] == "woken"
    asked = group.asked("q-2")
    assert (asked.state, asked.version > version, len(asked.votes)) == ("open", True, 1)
    assert (asked.workflow, asked.payload) == ("op-1-2", {"of": "op-1-2"})
    assert waiting(group, "q-2") == ["op-1-2"]
    assert calls.settle(group, "force", "q-2", by="T:U2") == "settled"
    assert calls.step(group, "ask", "op-1-1")["won"] == "freed"
    assert calls.step(group, "ask", "op-1-2")["won"] == "answer"


def test_it_closes_with_the_last_who_waited(group: Group, nodes: tuple[Token, Token]) -> None:
    both(group, nodes)
    for id in ("op-1-1", "op-1-2"):
        assert group.asked("q-2").state == "open"
        group.twice("signal", id=id, signal="freed", value="1")
    assert (group.asked("q-2").state, group.asked("q-2").closed_because) == (
        "closed",
        "no_longer_needed",
    )
    assert group.hash("causes") == {}


def test_one_whose_own_question_changes_takes_the_place_of_all_of_it_only_by_the_same_cause(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    both(group, nodes)
    group.twice("signal", id="op-1-1", signal="changed", value='"one more pod"')
    again = {"supersedes": "q-2", "because": "one more pod", "stop_after": 3_600_000}
    asked = calls.question("q-3", cause="budget web", joins=WHY, **again)
    wait = calls.wait(calls.ANSWER | {"question": "q-3"}, key="ask:2")
    calls.suspend(group, group.take("op-1-1"), wait=wait, ask=(asked,))
    assert (group.asked("q-2").state, group.asked("q-2").superseded_by) == ("open", "")
    assert waiting(group, "q-2") == ["op-1-2"]


def test_the_time_begins_anew_for_all_and_they_stop_together(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    both(group, nodes)
    stop = group.clock.at + 3_600_000
    assert stops(group) == {stop}
    assert group.asked("q-2").stop_at == stop
    group.clock.advance(3600)
    group.sweep()
    assert [calls.step(group, "ask", id)["won"] for id in ("op-1-1", "op-1-2")] == ["stop", "stop"]
    assert group.asked("q-2").closed_because == "nobody_answered"


def test_who_asked_to_wait_before_another_joined_asked_for_all(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    asks(group, nodes[0], "q-1")
    later = {"by": "T:U1", "note": "", "ms": 7_200_000, "choice": "wait"}
    group.twice("postpone", question="q-1", **later)
    stop = group.clock.at + 10_800_000
    asks(group, nodes[1], "q-2")
    assert (stops(group), group.asked("q-2").stop_at) == ({stop}, stop)
    group.twice("postpone", question="q-2", **later)
    assert stops(group) == {stop + 7_200_000}


def test_an_abort_closes_it_for_all(group: Group, nodes: tuple[Token, Token]) -> None:
    both(group, nodes)
    assert calls.control(group, "abort") == "changed"
    assert group.asked("q-2").closed_because == "aborted"
    assert {group.state(id) for id in ("op-1-1", "op-1-2")} == {"ready"}


def test_what_one_of_them_asks_is_amended_alone(group: Group, nodes: tuple[Token, Token]) -> None:
    both(group, nodes)
    given = {"question": "q-2", "payload": '{"of":"now"}'}
    assert group.twice("amend", id="op-1-1", **given) == {"result": "ok"}
    assert [each.payload["of"] for each in group.asked("q-2").members] == ["now", "op-1-2"]
    group.twice("signal", id="op-1-1", signal="freed", value="1")
    assert group.twice("amend", id="op-1-1", **given) == {"result": "closed"}
    assert group.asked("q-2").payload == {"of": "op-1-2"}


def test_the_audit_log_says_of_whom_it_was_asked_and_decided(
    group: Group, nodes: tuple[Token, Token]
) -> None:
    both(group, nodes)
    calls.settle(group, "skip", "q-2")
    lines = [json.loads(line) for line in group.redis.lrange(f"drainbot:{group.name}:audit", 0, -1)]
    said = [line for line in lines if line["what"] in {"asked", "vote"}]
    assert [line.get("of") for line in said] == [None, ["op-1-1", "op-1-2"], ["op-1-1", "op-1-2"]]
    assert (said[1]["supersedes"], said[1]["because"]) == ("q-1", WHY)
