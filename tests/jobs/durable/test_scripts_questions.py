"""Contracts of settle, postpone and amend, each sent twice."""

import json

import pytest

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

# -- settle ----------------------------------------------------------------------------------


def test_settle_stores_the_winner_closes_the_wait_and_rings(group: Group, asked: Token) -> None:
    assert calls.settle(group, "skip", by="T:U1", note="go") == "settled"
    record = group.asked()
    winner = {"choice": "skip", "by": ["T:U1"], "at": group.clock.at, "note": "go"}
    assert (record.state, record.winner) == ("settled", winner)
    stored = calls.step(group, "ask")
    assert (stored["won"], json.loads(stored["value"])) == ("answer", winner)
    assert group.members("timers") == group.members("open") == {}
    assert group.store.watching() == {}
    assert (group.state(), len(group.doorbells())) == ("ready", 1)
    assert group.events() == ["started", "suspended", "settled"]


def test_settle_counts_one_answer_and_tells_the_loser(group: Group, asked: Token) -> None:
    calls.settle(group, "skip", by="T:U1")
    version = group.asked().version
    assert calls.settle(group, "force", by="T:U2") == "already_settled"
    assert calls.settle(group, "skip", by="T:U1") == "already_settled"
    record = group.asked()
    assert record.winner is not None
    assert (record.winner["choice"], len(record.votes), record.version) == ("skip", 1, version)
    assert group.events().count("settled") == 1


def test_settle_counts_distinct_people_where_a_choice_needs_several(
    group: Group, token: Token
) -> None:
    needs_two = calls.question(votes_needed='{"force":2}')
    calls.suspend(group, token, calls.ANSWER, ask=(needs_two,))
    assert calls.settle(group, "force", by="T:U1", evidence='{"groups":1}') == "voted"
    assert calls.settle(group, "force", by="T:U1") == "already_voted"
    assert (group.state(), group.events()[-1]) == ("suspended", "voted")
    assert calls.settle(group, "force", by="T:U2") == "settled"
    votes = group.asked().votes
    assert [vote["by"] for vote in votes] == ["T:U1", "T:U2"]
    assert votes[0]["evidence"] == '{"groups":1}'


def test_settle_lets_a_choice_that_needs_one_win_over_votes_for_another(
    group: Group, token: Token
) -> None:
    needs_two = calls.question(votes_needed='{"force":2}')
    calls.suspend(group, token, calls.ANSWER, ask=(needs_two,))
    calls.settle(group, "force", by="T:U1")
    assert calls.settle(group, "skip", by="T:U2") == "settled"
    winner = group.asked().winner
    assert winner is not None
    assert (winner["choice"], winner["by"]) == ("skip", ["T:U2"])


@pytest.mark.parametrize(
    ("choice", "id", "said"),
    [("skip", "q-forged", "unknown"), ("explode", "q-1", "not_a_choice")],
)
def test_settle_refuses_what_was_never_asked(
    group: Group, asked: Token, choice: str, id: str, said: str
) -> None:
    before = group.dump()
    assert calls.settle(group, choice, id) == said
    assert group.dump() == before


def test_settle_of_a_question_that_its_timer_closed_is_too_late(group: Group, asked: Token) -> None:
    group.clock.advance(3600)
    group.sweep()
    before = group.dump()
    assert calls.settle(group, "force") == "closed"
    assert group.dump() == before
    assert group.asked().winner is None


def test_an_answer_closes_the_other_question_of_the_same_wait(group: Group, token: Token) -> None:
    other = {"name": "other", "kind": "question", "question": "q-2"}
    both = (calls.question(), calls.question("q-2"))
    calls.suspend(group, token, calls.ANSWER, other, ask=both)
    assert calls.settle(group, "skip", "q-2") == "settled"
    assert group.asked().closed_because == "no_longer_needed"
    assert calls.settle(group, "force", "q-1") == "closed"
    assert calls.step(group, "ask")["won"] == "other"


# -- postpone --------------------------------------------------------------------------------


def postpone(group: Group, id: str = "q-1") -> str:
    reply = group.twice("postpone", question=id, by="T:U1", note="", ms=3_600_000, choice="wait")
    return str(reply["result"])


def test_postpone_moves_the_stop_and_the_reminders(group: Group, asked: Token) -> None:
    before, record = group.members("timers"), group.asked()
    assert postpone(group) == "postponed"
    moved = {name: at + 3_600_000 for name, at in before.items()}
    assert group.members("timers") == moved
    later = group.asked()
    assert (later.state, later.version) == ("open", record.version + 1)
    assert later.stop_at == record.stop_at + 3_600_000
    assert [wait["by"] for wait in later.waits] == ["T:U1"]
    assert group.events()[-1] == "postponed"
    assert group.state() == "suspended"


def test_postpone_of_a_stop_that_is_due_counts_from_now(group: Group, asked: Token) -> None:
    group.clock.advance(4000)
    postpone(group)
    assert group.members("timers")["wf|op-1|ask|stop"] == group.clock.at + 3_600_000


def test_postpone_reminds_again_where_it_was_reminded_already(group: Group, asked: Token) -> None:
    group.clock.advance(1000)
    group.sweep()
    assert group.asked().reminded == ("remind",)
    postpone(group)
    opened = group.asked().opened_at
    assert group.members("timers")["notice|q-1|remind"] == opened + 900_000 + 3_600_000
    postpone(group)  # it moves on from there
    assert group.members("timers")["notice|q-1|remind"] == opened + 900_000 + 7_200_000
    group.clock.advance(2.5 * 3600)
    group.sweep()
    assert group.asked().reminded == ("remind", "remind")


def test_postpone_leaves_a_timer_that_is_not_movable(group: Group, token: Token) -> None:
    calls.suspend(group, token, calls.ANSWER, calls.timer(), ask=(calls.question(),))
    before = group.members("timers")
    assert postpone(group) == "postponed"
    assert group.members("timers") == before


def test_postpone_of_what_is_not_open_says_why(group: Group, asked: Token) -> None:
    assert postpone(group, "q-forged") == "unknown"
    calls.settle(group)
    assert postpone(group) == "already_settled"
    assert (group.members("timers"), group.asked().waits) == ({}, ())


def test_postpone_of_a_closed_question_says_so(group: Group, asked: Token) -> None:
    calls.control(group, "abort")
    assert postpone(group) == "closed"


# -- amend -----------------------------------------------------------------------------------


def test_amend_changes_the_facts_of_an_open_question_in_place(group: Group, asked: Token) -> None:
    version = group.asked().version
    assert group.twice("amend", question="q-1", payload='{"left":1}') == {"result": "ok"}
    record = group.asked()
    assert (record.payload, record.version, record.state) == ({"left": 1}, version + 1, "open")
    assert group.events()[-1] == "amended"


def test_amend_to_the_same_facts_makes_no_event(group: Group, asked: Token) -> None:
    before = group.dump()
    assert group.twice("amend", question="q-1", payload='{"pod":"db-2"}') == {"result": "ok"}
    assert group.dump() == before


def test_amend_never_touches_a_question_that_is_settled(group: Group, asked: Token) -> None:
    calls.settle(group)
    before = group.dump()
    assert group.twice("amend", question="q-1", payload="{}") == {"result": "closed"}
    assert group.dump() == before
