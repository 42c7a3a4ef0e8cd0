"""Workflows that can't go on by themselves stop for a person."""

from typing import Any

import pytest

from jobs.durable import Aborted, Context
from jobs.durable.doorbell import Doorbell
from tests.jobs.durable.harness import Group

Ctx = Context[Any]


def test_a_step_under_a_known_key_that_is_another_one_stops_for_a_person(group: Group) -> None:
    version = ["old"]

    def old(x: int) -> int:
        return x

    def new(x: int) -> int:
        return x

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.step("plan", old if version[0] == "old" else new, 1)
        ctx.sleep("s", 1)

    group.start("drain")
    group.work()
    version[0] = "new"
    group.clock.advance(2)
    group.sweep()
    assert group.work() == ["stuck"]
    record = group.store.question(group.question())
    assert record is not None
    assert record.kind == "stuck"
    assert "another one" in record.payload["detail"]


@pytest.mark.parametrize("by", ["answer", "abort"])
def test_a_person_can_end_a_workflow_that_fits_its_history_no_more(group: Group, by: str) -> None:
    keys = ["plan", "other"]

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.step("plan", lambda: 1) if keys[0] == "plan" else ctx.sleep("plan", 1)
        ctx.sleep("s", 1)

    group.start("drain")
    group.work()
    keys.reverse()
    group.clock.advance(2)
    group.sweep()
    assert group.work() == ["stuck"]
    assert group.store.settle(group.question(), "retry", by="T:U1", call="c1") == "settled"
    assert group.work() == ["stuck"]
    if by == "answer":
        group.store.settle(group.question(), "abort", by="T:U1", call="c2", note="old code")
    else:
        group.store.control("op-1", "abort", by="T:U1", call="c2", reason="old code")
    assert group.work() == ["aborted"]
    assert group.result()["by"] == "T:U1"
    assert group.result()["reason"] == "old code"
    assert "another one" in group.result()["error"]


def test_an_abort_before_anybody_was_asked_does_not_end_what_fits_no_more(group: Group) -> None:
    keys = ["plan", "other"]

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.step("plan", lambda: 1) if keys[0] == "plan" else ctx.sleep("plan", 1)
        ctx.sleep("s", 1)

    group.start("drain")
    group.work()
    keys.reverse()
    group.store.control("op-1", "abort", by="T:U1", call="c")
    assert group.work() == ["stuck"]
    group.store.settle(group.question(), "abort", by="T:U1", call="c2")
    assert group.work() == ["aborted"]


def test_a_workflow_that_crashes_for_ever_is_parked_with_a_question(group: Group) -> None:
    healthy: list[bool] = []

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        if not healthy:
            raise RuntimeError("a bug")
        return "went on"

    group.start("drain")
    outcomes = []
    for _ in range(8):
        outcomes += group.work()
        group.clock.advance(60)
        group.sweep()
    assert outcomes == ["crashed"] * 5 + ["stuck"]
    healthy.append(True)
    assert group.store.settle(group.question(), "retry", by="T:U1", call="c") == "settled"
    assert group.work() == ["done"]


def test_a_workflow_that_fits_its_history_no_more_can_start_again_from_its_input(
    group: Group,
) -> None:
    keys = ["plan"]
    ran: list[Any] = []

    @group.workflow
    def drain(ctx: Ctx, input: Any) -> Any:
        for key in keys:
            ctx.step(key, ran.append, [key, input])
        ctx.sleep("s", 1)

    group.start("drain", "node-1")
    group.work()
    keys.insert(0, "approve")
    group.clock.advance(2)
    group.sweep()
    assert group.work() == ["stuck"]
    group.store.settle(group.question(), "restart", by="T:U1", call="c")
    assert group.work() == ["stale", "suspended"]
    assert ran == [["plan", "node-1"], ["approve", "node-1"], ["plan", "node-1"]]
    group.clock.advance(2)
    group.sweep()
    assert group.work() == ["done"]


def test_starting_again_waits_until_its_children_have_tidied_up(group: Group) -> None:
    keys = ["plan"]
    order: list[str] = []

    @group.workflow
    def node(ctx: Ctx, _: Any) -> Any:
        try:
            ctx.sleep("s", 100)
        except Aborted:
            with ctx.shield():
                ctx.step("tidy", order.append, "tidied up")
            raise

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        for key in keys:
            ctx.step(key, order.append, key)
        child = ctx.spawn("node", "node", None)
        ctx.wait_for("ended", [child], need=1)

    group.start("drain")
    group.work()
    keys[:] = ["other"]
    group.store.signal("op-1", "nobody waits for this")
    group.redis.hset("drainbot:prod-eu:wf:op-1", "state", "ready")
    epoch = int(group.hash("wf:op-1")["epoch"])
    assert group.runner.answer(Doorbell("prod-eu", "op-1", epoch)) == "stuck"
    assert group.store.settle(group.question(), "restart", by="T:U1", call="c") == "settled"
    assert group.work(most=1) == ["stale"]
    assert group.state() == "suspended"
    assert sorted(group.work()) == ["aborted", "suspended", "suspended"]
    assert order == ["plan", "tidied up", "other"]
    children = [handle.id for handle in group.store.children("op-1")]
    assert children == ["op-1-1", "op-1-1x1"]
    assert group.state("op-1-1x1") == "suspended"


def test_an_abort_ends_what_is_starting_again(group: Group) -> None:
    keys = ["plan"]

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        for key in keys:
            ctx.step(key, lambda: 1)
        ctx.sleep("s", 1)

    group.start("drain")
    group.work()
    keys[:] = ["other"]
    group.clock.advance(2)
    group.sweep()
    assert group.work() == ["stuck"]
    group.store.settle(group.question(), "restart", by="T:U1", call="c")
    group.store.control("op-1", "abort", by="T:U2", call="d")
    assert group.work() == ["stale", "aborted"]
    assert group.result()["by"] == "T:U2"
