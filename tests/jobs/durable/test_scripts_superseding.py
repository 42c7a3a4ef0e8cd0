"""Contracts of questions that take the place of others, each call sent twice."""

import json
from typing import Any

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

CHANGED = calls.signal("changed") | {"closes_as": "superseded"}
AGAIN = calls.wait(calls.ANSWER | {"question": "q-2"}, calls.timer(), key="ask:2")


def waiting(group: Group, token: Token) -> None:
    calls.suspend(group, token, calls.ANSWER, CHANGED, ask=(calls.question(),))


def again(group: Group, **changes: Any) -> None:
    """Ask another question, by the next activation."""
    token = group.take("op-1")
    new = calls.question("q-2", supersedes="q-1", because="one more pod", **changes)
    calls.suspend(group, token, wait=AGAIN, ask=(new,))


def signalled(group: Group) -> str:
    fields = {"id": "op-1", "signal": "changed", "value": '"one more pod"'}
    return str(group.twice("signal", **fields)["result"])


def test_what_changes_closes_its_question_as_superseded_and_says_which_it_was(
    group: Group, token: Token
) -> None:
    waiting(group, token)
    assert signalled(group) == "woken"
    record = group.asked()
    assert (record.state, record.closed_because) == ("closed", "superseded")
    stored = calls.step(group, "ask")
    assert (stored["won"], stored["questions"]) == ("changed", {"answer": "q-1"})
    assert calls.settle(group, "skip") == "closed"


def test_whoever_settles_first_wins_over_a_change(group: Group, token: Token) -> None:
    waiting(group, token)
    assert calls.settle(group, "skip") == "settled"
    assert signalled(group) == "ignored"
    assert group.asked().state == "settled"
    assert calls.step(group, "ask")["questions"] == {"answer": "q-1"}


def test_the_new_question_and_where_the_old_one_leads_come_with_one_script(
    group: Group, token: Token
) -> None:
    waiting(group, token)
    signalled(group)
    version = group.asked().version
    assert group.asked().superseded_by == ""
    again(group)
    old, new = group.asked(), group.store.question("q-2")
    assert (old.superseded_by, old.superseded_because) == ("q-2", "one more pod")
    assert old.version > version
    assert new is not None
    assert (new.state, new.votes, new.superseded_by) == ("open", (), "")


def test_a_question_that_was_settled_can_be_void_and_stays_settled(
    group: Group, token: Token
) -> None:
    waiting(group, token)
    calls.settle(group, "skip", by="T:U1")
    again(group)
    old = group.asked()
    assert (old.state, old.superseded_by) == ("settled", "q-2")
    assert old.winner is not None
    assert old.winner["by"] == ["T:U1"]
    assert calls.settle(group, "skip", by="T:U2") == "already_settled"


def test_a_question_of_another_workflow_is_never_superseded(group: Group, token: Token) -> None:
    waiting(group, token)
    calls.start(group, "op-2")
    other = group.take("op-2")
    new = calls.question("q-2", supersedes="q-1", because="by mistake")
    calls.suspend(group, other, wait=AGAIN, ask=(new,))
    assert group.asked().state == "open"
    assert group.asked().superseded_by == ""


def test_the_audit_log_says_what_took_the_place_of_what(group: Group, token: Token) -> None:
    waiting(group, token)
    signalled(group)
    again(group)
    lines = [json.loads(line) for line in group.redis.lrange(f"drainbot:{group.name}:audit", 0, -1)]
    said = [line for line in lines if line["what"] in {"asked", "closed"}]
    assert [(line["what"], line["question"]) for line in said] == [
        ("asked", "q-1"),
        ("closed", "q-1"),
        ("asked", "q-2"),
    ]
    assert said[1]["why"] == "superseded"
    assert (said[2]["supersedes"], said[2]["because"]) == ("q-1", "one more pod")
