"""Contracts of suspend, signal, spawn and control, each sent twice."""

import json
from typing import Any

import pytest

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

# -- suspend ---------------------------------------------------------------------------------


def test_suspend_asks_arms_timers_and_frees_the_slot(group: Group, asked: Token) -> None:
    assert group.state() == "suspended"
    record = group.asked()
    assert (record.state, record.workflow, record.payload) == ("open", "op-1", {"pod": "db-2"})
    assert (record.opened_at, record.stop_at) == (group.clock.at, group.clock.at + 3_600_000)
    assert record.choices == ("retry", "skip", "force")
    assert group.store.question_ids("op-1") == ["q-1"]
    assert group.members("open") == {"q-1": group.clock.at}
    assert group.members("timers") == {
        "wf|op-1|ask|stop": group.clock.at + 3_600_000,
        "notice|q-1|remind": group.clock.at + 900_000,
    }
    assert group.members("running") == {}
    assert group.store.watching() == {"op-1": {"budgets": ["db"]}}
    assert group.events() == ["started", "suspended"]
    assert group.doorbells() == []


def test_suspend_is_told_when_it_was_decided_before(group: Group, token: Token) -> None:
    calls.control(group, "abort")
    reply = calls.suspend(group, token, calls.ANSWER, ask=(calls.question(),))
    assert reply["result"] == "decided"
    assert json.loads(reply["step"])["status"] == "aborted"
    assert group.state() == "running"
    assert group.asked().closed_because == "aborted"
    assert group.members("open") == {}


def test_suspend_behind_a_shield_waits_also_after_an_abort(group: Group, token: Token) -> None:
    calls.control(group, "abort")
    wait = calls.wait(calls.timer(), interruptible=False)
    assert calls.suspend(group, token, wait=wait) == {"result": "suspended"}


def test_suspend_finds_children_that_ended_before_it_came(group: Group, token: Token) -> None:
    calls.spawn(group, token)
    calls.finish(group, group.take("op-1-1"))
    reply = calls.suspend(group, token, calls.children("prod-eu|op-1-1", need=1))
    assert reply["result"] == "decided"
    ended = json.loads(json.loads(reply["step"])["value"])
    assert ended == [{"ref": "prod-eu|op-1-1", "state": "done", "result": '"drained"'}]


def test_rest_starts_over_at_its_time(group: Group, token: Token) -> None:
    assert calls.rest(group, token, until=group.clock.at + 2000) == {"result": "suspended"}
    group.clock.advance(2)
    assert group.sweep()["timers"] == 1
    assert (group.state(), group.members("timers")) == ("ready", {})


@pytest.mark.parametrize("action", ["abort", "pause"])
def test_rest_that_has_not_seen_a_flag_is_woken_at_once(
    group: Group, token: Token, action: str
) -> None:
    calls.control(group, action)
    calls.rest(group, token)
    assert (group.state(), len(group.doorbells())) == ("ready", 1)


def test_rest_that_has_seen_the_flag_sleeps_until_it_goes(group: Group, token: Token) -> None:
    calls.control(group, "pause")
    calls.rest(group, token, seen="pause")
    assert group.state() == "suspended"
    assert calls.control(group, "resume") == "changed"
    assert group.state() == "ready"


def test_rest_that_still_believes_in_a_pause_is_woken_after_a_resume(
    group: Group, token: Token
) -> None:
    calls.rest(group, token, seen="pause")
    assert group.state() == "ready"


# -- signal ----------------------------------------------------------------------------------


def send(group: Group, name: str = "freed", **changes: Any) -> str:
    reply = group.twice("signal", id="op-1", signal=name, value='{"budget":"db"}', **changes)
    return str(reply["result"])


def test_signal_ends_the_wait_for_it(group: Group, asked: Token) -> None:
    assert send(group) == "woken"
    stored = calls.step(group, "ask")
    assert (stored["won"], stored["value"]) == ("freed", '{"budget":"db"}')
    assert group.asked().closed_because == "no_longer_needed"
    assert group.members("timers") == {}
    assert (group.state(), group.events()[-1]) == ("ready", "signalled")


def test_signal_that_nobody_waits_for_changes_nothing(group: Group, asked: Token) -> None:
    before = group.dump()
    assert send(group, "another") == "ignored"
    assert group.dump() == before


@pytest.mark.parametrize("state", ["ready", "running", "done"])
def test_signal_to_a_workflow_that_does_not_wait_changes_nothing(group: Group, state: str) -> None:
    calls.start(group)
    if state != "ready":
        token = group.take()
        if state == "done":
            calls.finish(group, token)
    before = group.dump()
    assert send(group) == "ignored"
    assert group.dump() == before


def test_signal_wakes_an_activity_that_rests(group: Group, token: Token) -> None:
    calls.rest(group, token, watching='{"node":"node-1"}')
    assert send(group, "anything") == "woken"
    assert (group.state(), group.store.watching()) == ("ready", {})


def test_a_late_repeat_of_a_signal_does_not_end_the_next_wait_for_it(
    group: Group, asked: Token
) -> None:
    assert send(group, call="lost-reply") == "woken"
    calls.suspend(group, group.take(), wait=calls.wait(calls.signal(), key="again"))
    assert send(group, call="lost-reply") == "woken"
    assert group.state() == "suspended"


# -- spawn -----------------------------------------------------------------------------------


def test_spawn_starts_a_child_and_stores_that_in_one(group: Group, token: Token) -> None:
    assert calls.spawn(group, token)["result"] == "ok"
    child = group.store.workflow("op-1-1")
    assert child is not None
    assert (child.state, child.parent, child.root, child.input) == (
        "ready", "op-1", "op-1", "node-1",
    )  # fmt: skip
    assert [handle.id for handle in group.store.children("op-1")] == ["op-1-1"]
    assert calls.step(group, "spawn:op-1-1")["status"] == "ok"
    assert group.doorbells() == ["op-1-1-1-1"]
    assert group.members("live").keys() == {"op-1"}
    assert group.events(id="op-1-1") == ["started"]


def test_spawn_under_a_known_step_starts_nothing(group: Group, token: Token) -> None:
    calls.spawn(group, token)
    reply = calls.spawn(group, token, "op-1-2", step="spawn:op-1-1", fp="other")
    assert reply == {"result": "diverged", "fp": "f"}
    assert group.store.workflow("op-1-2") is None
    assert len(group.store.children("op-1")) == 1


def test_spawn_gives_the_flags_of_the_parent_to_the_child(group: Group, token: Token) -> None:
    calls.control(group, "pause")
    calls.spawn(group, token)
    child = group.store.workflow("op-1-1")
    assert child is not None
    assert child.flags.pause is not None
    calls.control(group, "resume")
    child = group.store.workflow("op-1-1")
    assert child is not None
    assert child.flags.pause is None


def test_the_end_of_a_child_wakes_a_parent_that_has_enough_of_them(
    group: Group, token: Token
) -> None:
    ids = ("op-1-1", "op-1-2")
    for id in ids:
        calls.spawn(group, token, id)
    refs = [f"prod-eu|{id}" for id in ids]
    calls.suspend(group, token, calls.children(*refs, need=2))
    calls.finish(group, group.take(ids[0]))
    assert group.state() == "suspended"
    calls.finish(group, group.take(ids[1]), "failed")
    assert group.state() == "ready"
    ended = json.loads(calls.step(group, "ask")["value"])
    assert [child["state"] for child in ended] == ["done", "failed"]


# -- control ---------------------------------------------------------------------------------


def test_control_stores_who_wanted_it_and_why(group: Group, token: Token) -> None:
    assert calls.control(group, "abort", by="T:U7", reason="wrong") == "changed"
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.flags.abort is not None
    assert (record.flags.abort.by, record.flags.abort.reason) == ("T:U7", "wrong")
    assert group.events() == ["started", "abort"]
    assert calls.control(group, "abort", by="T:U8") == "unchanged"
    assert group.events() == ["started", "abort"]


@pytest.mark.parametrize("action", ["abort", "pause", "resume"])
def test_control_of_an_unknown_workflow_makes_none(group: Group, action: str) -> None:
    assert calls.control(group, action, "op-9") == "unknown"
    assert group.hash("wf:op-9") == {}
    assert group.events() == []


def test_control_aborts_a_sleeping_wait_and_its_question(group: Group, asked: Token) -> None:
    calls.control(group, "abort")
    assert calls.step(group, "ask")["status"] == "aborted"
    assert group.asked().closed_because == "aborted"
    assert group.members("timers") == group.members("open") == {}
    assert (group.state(), len(group.doorbells())) == ("ready", 1)


def test_control_pauses_without_touching_questions_and_deadlines(
    group: Group, asked: Token
) -> None:
    timers = group.members("timers")
    calls.control(group, "pause")
    assert (group.state(), group.members("timers")) == ("suspended", timers)
    assert calls.settle(group) == "settled"


def test_control_resumes_only_what_is_paused(group: Group, token: Token) -> None:
    assert calls.control(group, "resume") == "unchanged"
    calls.control(group, "pause")
    assert calls.control(group, "resume") == "changed"
    assert group.events() == ["started", "pause", "resume"]


def test_control_reaches_children_of_other_groups(group: Group, token: Token) -> None:
    there = Group(group.redis, name="prod-us", clock=group.clock)
    child = {"group": "prod-us", "id": "op-1-1", "name": "node", "input": "1"}
    calls.spawn(group, token, child=child)
    calls.suspend(there, there.take("op-1-1"), calls.ANSWER, ask=(calls.question(),))
    calls.control(group, "abort")
    assert (there.state("op-1-1"), len(there.doorbells())) == ("ready", 1)
    assert there.asked().closed_because == "aborted"


def test_control_frees_a_stuck_workflow_to_be_aborted(group: Group, token: Token) -> None:
    calls.release(group, token, crash="a bug", stuck=calls.STUCK)
    calls.control(group, "abort")
    assert group.state() == "ready"
    assert group.asked("q-stuck").closed_because == "aborted"
    assert calls.settle(group, "retry", "q-stuck") == "closed"
