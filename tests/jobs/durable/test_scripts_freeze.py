"""Contracts of the freeze: a whole group is given no leave, until somebody thaws it."""

import json
from typing import Any

import pytest

from jobs.durable import Context, Flag
from jobs.durable.activity import Activity
from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

WHO = {"by": "T:U1", "reason": "deploy", "evidence": "e"}


def freeze(group: Group, *, on: bool = True, **changes: Any) -> dict[str, Any]:
    return group.twice("freeze", on=on, **(WHO | changes))


def leave(group: Group, token: Token, **changes: Any) -> str:
    given = {"bucket": "evict", "rate": 0, "burst": 0, "shielded": False}
    return str(group.twice("permit", **token.arguments(), **(given | changes))["result"])


def test_a_frozen_group_gives_nobody_leave_until_it_is_thawed(group: Group, token: Token) -> None:
    assert leave(group, token) == "ok"
    reply = freeze(group)
    assert (reply["result"], json.loads(reply["freeze"])) == (
        "changed", {**WHO, "at": group.clock.at},
    )  # fmt: skip
    assert leave(group, token) == "frozen"
    assert leave(group, token, shielded=True) == "frozen"  # no clean-up evicts
    assert freeze(group, on=False)["result"] == "changed"
    assert leave(group, token) == "ok"


def test_another_group_goes_on(group: Group) -> None:
    other = Group(group.redis, name="prod-us")
    calls.start(other, "prod-us-1")
    token = other.take("prod-us-1", lease=3)
    freeze(group)
    assert leave(other, token) == "ok"


def test_who_froze_first_stands_and_is_told_to_the_second(group: Group) -> None:
    first = freeze(group)["freeze"]
    group.clock.advance(5)
    reply = freeze(group, by="T:U2", reason="another")
    assert reply == {"result": "unchanged", "freeze": first}
    known = group.store.frozen()
    assert known is not None
    assert known.frozen == Flag("T:U1", group.clock.at - 5000, "deploy")


def test_a_thaw_without_a_freeze_changes_nothing(group: Group) -> None:
    assert freeze(group, on=False) == {"result": "unchanged"}
    assert group.store.frozen() is None


def test_a_freeze_that_is_over_is_kept_with_who_thawed_it(group: Group) -> None:
    freeze(group)
    group.clock.advance(60)
    freeze(group, on=False, by="T:U2", reason="over")
    raw = group.redis.lrange("drainbot:prod-eu:freezes", 0, -1)
    kept = [{key: json.loads(part) for key, part in json.loads(one).items()} for one in raw]
    assert [(one["freeze"]["by"], one["thaw"]["by"], one["thaw"]["reason"]) for one in kept] == [
        ("T:U1", "T:U2", "over")
    ]
    assert group.store.frozen() is None


def test_each_operation_that_is_under_way_is_told(group: Group, token: Token) -> None:
    calls.start(group, "op-2")
    calls.finish(group, group.take("op-2"))
    before = group.store.workflow("op-1")
    freeze(group)
    freeze(group, on=False)
    after = group.store.workflow("op-1")
    assert before is not None
    assert after is not None
    assert after.version == before.version + 2
    assert group.events(id="op-1")[-2:] == ["frozen", "thawed"]
    assert "frozen" not in group.events(id="op-2")
    assert token.id == "op-1"


def test_whoever_is_at_work_learns_of_it_with_the_next_renewal_or_step(
    group: Group, token: Token
) -> None:
    freeze(group)
    renewed = group.twice("renew", **token.arguments(), lease=3000)
    assert json.loads(renewed["freeze"])["reason"] == "deploy"
    assert json.loads(calls.commit(group, token)["freeze"])["by"] == "T:U1"


def test_whoever_rests_is_woken_by_the_thaw(group: Group, token: Token) -> None:
    freeze(group)
    calls.rest(group, token, seen="freeze")
    assert group.doorbells() == []
    freeze(group, on=False)
    assert group.hash("wf:op-1")["state"] == "ready"
    assert len(group.doorbells()) == 1


@pytest.mark.parametrize("seen", ["", "freeze"])
def test_a_freeze_or_a_thaw_that_nobody_saw_before_the_rest_wakes_at_once(
    group: Group, token: Token, seen: str
) -> None:
    if not seen:
        freeze(group)
    calls.rest(group, token, seen=seen)
    assert group.hash("wf:op-1")["state"] == "ready"


def test_an_open_question_is_not_touched_by_a_thaw(group: Group, asked: Token) -> None:
    freeze(group)
    freeze(group, on=False)
    assert group.hash("wf:op-1")["state"] == "suspended"
    assert group.asked().state == "open"
    assert asked.id == "op-1"


def test_an_activity_that_begins_while_it_is_frozen_knows_at_once(group: Group) -> None:
    seen: list[str] = []

    @group.workflow
    def drain(ctx: Context[Any], _input: Any) -> None:
        def look(act: Activity[Any]) -> None:
            seen.append(act.flags.freeze.reason if act.flags.freeze else "")

        ctx.activity("look", look)

    group.store.freeze(on=True, by="T:U1", reason="deploy", call="c1")
    group.start("drain")
    assert group.work() == ["done"]
    assert seen == ["deploy"]
