"""What a workflow's author may rely on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from jobs.durable import (
    Aborted,
    Activity,
    Context,
    PermanentError,
    Question,
    StepFailed,
    TemporaryError,
)
from tests.jobs.durable.harness import Group

Ctx = Context[Any]


def ask(**kwargs: Any) -> Question:
    return Question("block", {"pod": "db-2"}, ("retry", "skip", "force"), **kwargs)


def test_a_step_runs_once_however_often_the_workflow_runs_again(group: Group) -> None:
    ran: list[str] = []

    def cordon(node: str) -> str:
        ran.append(node)
        return f"cordoned {node}"

    @group.workflow
    def drain(ctx: Ctx, node: str) -> Any:
        first = ctx.step("cordon", cordon, node)
        ctx.sleep("pause", 60)
        return first

    group.start("drain", "node-1")
    assert group.work() == ["suspended"]
    group.clock.advance(61)
    assert group.sweep()["timers"] == 1
    assert group.work() == ["done"]
    assert (ran, group.result()) == (["node-1"], "cordoned node-1")


def test_an_abort_reaches_children_and_wakes_their_questions(group: Group) -> None:
    @group.workflow
    def node(ctx: Ctx, name: str) -> Any:
        try:
            ctx.first("ask", answer=ask())
        except Aborted as aborted:
            with ctx.shield():
                return ctx.step("clean", lambda who: f"{name} cleaned for {who}", aborted.by)

    @group.workflow
    def operation(ctx: Ctx, names: list[str]) -> Any:
        handles = [ctx.spawn(f"spawn:{name}", "node", name) for name in names]
        try:
            ctx.wait_for("all", handles, need=len(handles))
        except Aborted:
            with ctx.shield():
                ended = ctx.wait_for("cleaned", handles, need=len(handles))
        return [child.result for child in ended]

    group.start("operation", ["a", "b"])
    group.work()
    changed = group.store.control("op-1", "abort", by="T:U1", call="x", reason="wrong")
    assert changed == "changed"
    assert group.store.control("op-1", "abort", by="T:U1", call="x", reason="wrong") == "changed"
    assert group.store.control("op-1", "abort", by="T:U2", call="y") == "unchanged"
    group.work()
    assert group.state() == "done"
    assert group.result() == ["a cleaned for T:U1", "b cleaned for T:U1"]


def test_a_parent_waits_for_any_child_without_holding_a_slot(group: Group) -> None:
    @group.workflow
    def node(ctx: Ctx, seconds: int) -> Any:
        ctx.sleep("work", seconds)
        return seconds

    @group.workflow
    def operation(ctx: Ctx, _: Any) -> Any:
        handles = [ctx.spawn(f"s{n}", "node", n * 10) for n in (3, 1, 2)]
        return [child.result for child in ctx.wait_for("any", handles, need=1)]

    group.start("operation")
    group.work()
    group.clock.advance(11)
    group.sweep()
    group.work()
    assert group.result() == [10]


def test_an_abort_is_stored_at_the_step_where_it_was_seen(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.sleep("first", 5)
        try:
            ctx.step("evict", lambda: "evicted")
        except Aborted as aborted:
            with ctx.shield():
                ctx.sleep("linger", 5)
            return f"aborted: {aborted.reason}"
        return "finished"

    group.start("drain")
    group.work()
    group.clock.advance(6)
    group.sweep()
    group.store.control("op-1", "abort", by="T:U1", call="x", reason="wrong node")
    group.work()
    group.clock.advance(6)
    group.sweep()
    group.work()
    assert group.result() == "aborted: wrong node"
    assert group.store.steps("op-1")["evict"].status == "aborted"


def test_an_activity_that_catches_every_exception_still_unwinds_on_an_abort(group: Group) -> None:
    def evict(activity: Activity[Any]) -> Any:
        group.store.control("op-1", "abort", by="T:U1", call="x", reason="wrong node")
        activity.progress({"gone": 0})
        activity._guard.flush()  # the renewal that brings the abort
        with suppress(Exception):
            activity.tick()
        return "evicted all the same"

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        try:
            return ctx.activity("evict", evict)
        except Aborted as aborted:
            return f"aborted: {aborted.reason}"

    group.start("drain")
    assert group.work() == ["done"]
    assert group.result() == "aborted: wrong node"
    assert group.store.steps("op-1")["evict"].status == "aborted"


def test_an_activity_that_rests_starts_over_and_stores_only_its_outcome(group: Group) -> None:
    looks: list[int] = []

    def evict(activity: Activity[Any], pods: int) -> Any:
        activity.tick()
        looks.append(pods)
        activity.progress({"left": pods - len(looks)})
        if len(looks) < 3:
            activity.rest(until=activity.now() + 1000, watching={"node": "node-1"})
        return "empty"

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.activity("evict", evict, pods=3)

    group.start("drain")
    for _ in range(3):
        group.work()
        group.clock.advance(2)
        group.sweep()
    assert (looks, group.result()) == ([3, 3, 3], "empty")
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.progress == {"left": 1}


def test_a_temporary_error_is_tried_again_later_and_a_permanent_one_is_stored(group: Group) -> None:
    tries: list[int] = []

    def cordon() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise TemporaryError("the API server is away", delay=2)
        raise PermanentError("patching nodes is forbidden")

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        try:
            ctx.step("cordon", cordon)
        except StepFailed as failed:
            ctx.sleep("later", 1)
            return str(failed)

    group.start("drain")
    for _ in range(4):
        group.work()
        group.clock.advance(3)
        group.sweep()
    assert group.result() == "patching nodes is forbidden"
    assert len(tries) == 3


def test_continue_as_starts_a_fresh_history_and_keeps_the_story(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, rounds: int) -> Any:
        ctx.log("round", left=rounds)
        ctx.step("work", lambda: rounds)
        if rounds:
            ctx.continue_as(rounds - 1)
        return "finished"

    group.start("drain", 2)
    group.work()
    assert group.result() == "finished"
    assert len(group.store.log("op-1")) == 3
    assert set(group.store.steps("op-1")) == {"work"}


def test_now_and_uuid_are_the_same_on_every_replay(group: Group) -> None:
    seen: list[tuple[int, str]] = []

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.step("one", lambda: 1)
        seen.append((ctx.now(), ctx.uuid()))
        ctx.sleep("s", 5)

    group.start("drain")
    group.work()
    group.clock.advance(6)
    group.sweep()
    group.work()
    assert len(seen) == 2
    assert seen[0] == seen[1]


def rest_while_paused(activity: Activity[Any]) -> None:
    if activity.flags.pause is not None:
        activity.rest(until=0)


def test_a_paused_workflow_frees_its_slot_until_it_is_resumed(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.sleep("s", 5)
        ctx.activity("hold", rest_while_paused)
        return "went on"

    group.start("drain")
    group.work()
    group.store.control("op-1", "pause", by="T:U1", call="p")
    group.clock.advance(6)
    group.sweep()
    assert group.work() == ["suspended"]
    group.store.control("op-1", "resume", by="T:U1", call="r")
    assert group.work() == ["done"]


def test_another_workers_group_runs_a_call_and_its_end_wakes_the_caller(redis: Any) -> None:
    here, there = Group(redis, name="prod-eu"), Group(redis, name="prod-us")

    @there.workflow
    def fence(ctx: Ctx, node: str) -> Any:
        return f"fenced {node}"

    @here.workflow
    def drain(ctx: Ctx, node: str) -> Any:
        return ctx.call("fence", "fence", node, group="prod-us").result

    here.start("drain", "node-1")
    assert here.work() == ["suspended"]
    assert there.work() == ["done"]
    assert here.work() == ["done"]
    assert here.result() == "fenced node-1"


@pytest.mark.parametrize("by", ["hint", "lease"])
def test_a_stale_activation_can_write_nothing_any_more(group: Group, by: str) -> None:
    def take_over() -> str:
        record = group.store.workflow("op-1")
        assert record is not None
        if by == "hint":
            token = str(group.redis.hget("drainbot:prod-eu:wf:op-1", "nonce"))
            assert group.store.reap("op-1", record.epoch, token) == "reaped"
        else:
            group.clock.advance(3600)
            assert group.sweep()["leases"] == 1
        return "the old one's value"

    runs: list[int] = []

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        runs.append(1)
        if len(runs) == 1:
            return ctx.step("evict", take_over)
        return ctx.step("evict", take_over) if False else "the new one's"

    group.start("drain")
    assert group.work() == ["fenced", "done"]
    assert group.store.steps("op-1") == {}
    assert group.result() == "the new one's"


def test_an_activity_may_rest_inside_a_context_manager(group: Group) -> None:
    @contextmanager
    def watching() -> Iterator[None]:
        yield

    def evict(activity: Activity[Any]) -> Any:
        with watching():
            activity.rest(until=0)

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.activity("evict", evict)

    group.start("drain")
    assert group.work() == ["suspended"]


@pytest.mark.parametrize("how", ["rests while paused", "publishes"])
def test_a_replay_never_shows_again_what_was_shown_before(group: Group, how: str) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.show({"node": 1})
        if how == "publishes":
            ctx.publish()
        ctx.step("one", lambda: 1)
        ctx.show({"node": 2})
        ctx.sleep("s", 5)
        ctx.activity("hold", rest_while_paused)

    group.start("drain")
    group.work()
    if how != "publishes":
        group.store.control("op-1", "pause", by="T:U1", call="c")
    events = group.events()
    group.clock.advance(6)
    group.sweep()
    group.work()
    record = group.store.workflow("op-1")
    assert record is not None
    assert record.view == {"node": 2}
    assert "step" not in group.events()[len(events) :]


def test_what_is_shown_and_told_is_stored_once_with_whatever_happens_next(group: Group) -> None:
    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.log("began")
        ctx.show({"n": 1})
        ctx.step("one", lambda: 1)
        ctx.step("two", lambda: 2)
        ctx.log("slept")
        ctx.sleep("s", 5)
        ctx.log("ended")

    group.start("drain")
    group.work()
    assert group.events() == ["started", "step", "suspended"]
    group.clock.advance(6)
    group.sweep()
    group.work()
    told = [json.loads(line) for line in group.store.log("op-1")]
    assert [line["what"] for line in told] == ["began", "slept", "ended"]
    assert [line["key"] for line in told] == ["op-1.1", "op-1.2", "op-1.3"]


@pytest.mark.parametrize("gets_on", [True, False])
def test_an_activity_that_gets_on_is_not_stuck_however_often_its_process_dies(
    group: Group, *, gets_on: bool
) -> None:
    runs: list[int] = []

    def evict(activity: Activity[Any]) -> Any:
        runs.append(1)
        activity.progress({"gone": len(runs) if gets_on else 0})
        activity._guard.flush()
        if len(runs) < 8:
            token = activity.token
            assert group.store.reap(token.id, token.epoch, token.nonce) == "reaped"
            activity.still_mine()
        return "empty"

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        return ctx.activity("evict", evict)

    group.start("drain")
    outcomes = group.work()
    assert outcomes[-1] == ("done" if gets_on else "stuck")
