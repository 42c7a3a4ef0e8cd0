"""Workflows that can't go on by themselves stop for a person."""

from typing import Any

import pytest

from jobs.durable import Context
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
