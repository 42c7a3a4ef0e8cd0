"""A failover that loses the last writes: what was lost is done again, before what follows."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.durable import Question
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group
from tests.jobs.failover import snapshot


def after_the_lease(group: Group) -> list[str]:
    """Let the lease lapse, and work on."""
    group.clock.advance(601)
    group.sweep()
    return group.work()


@pytest.mark.parametrize("then", ["step", "wait", "spawn", "end"])
def test_a_step_that_redis_lost_is_run_again_before_anything_follows(
    group: Group, then: str
) -> None:
    acts: list[str] = []
    fail_over: list[Callable[[], None]] = []

    @group.workflow
    def child(ctx: Any, _: Any) -> str:
        return "child"

    @group.workflow
    def drain(ctx: Any, _: Any) -> str:
        ctx.step("a", acts.append, "a")
        if not fail_over:
            fail_over.append(snapshot(group.redis))
        ctx.step("b", acts.append, "b")
        if acts.count("b") == 1:
            fail_over[0]()
        if then == "step":
            ctx.step("c", acts.append, "c")
        elif then == "wait":
            ctx.sleep("c", 1)
        elif then == "spawn":
            ctx.spawn("c", "child", None)
        return "ended"

    group.start("drain")
    assert group.work() == ["fenced"]
    assert "b" not in group.hash("wf:op-1:steps")
    outcomes = after_the_lease(group)
    if then == "wait":
        outcomes += after_the_lease(group)
    assert "stuck" not in outcomes
    assert (group.state(), group.result()) == ("done", "ended")
    assert acts[:3] == ["a", "b", *(["c"] if then == "step" else ["b"])]
    assert acts.count("b") == 2


def test_a_child_whose_start_was_lost_is_started_again_once(group: Group) -> None:
    calls.start(group)
    token = group.take()
    fail_over = snapshot(group.redis)
    calls.spawn(group, token)
    stale = group.take("op-1-1")
    fail_over()
    assert calls.commit(group, stale)["result"] == "fenced"
    assert calls.spawn(group, token)["result"] == "ok"
    assert group.state("op-1-1") == "ready"
    assert group.take("op-1-1").epoch == stale.epoch == 1
    renewed = group.store.renew(stale.__class__(group.name, "op-1-1", 1, "another"), 3)
    assert renewed["result"] == "fenced"


def test_an_answer_that_was_lost_is_asked_for_again_and_counts_once(group: Group) -> None:
    answers: list[str] = []

    @group.workflow
    def drain(ctx: Any, _: Any) -> str:
        fired = ctx.first("ask", answer=Question("block", {}, ("retry", "skip")))
        answers.append(fired.value["choice"])
        return answers[-1]

    group.start("drain")
    group.work()
    question = group.question()
    fail_over = snapshot(group.redis)
    assert group.store.settle(question, "retry", by="T:U1", call="n1") == "settled"
    fail_over()
    assert group.work() == []
    assert group.store.settle(question, "skip", by="T:U2", call="n2") == "settled"
    assert group.store.settle(question, "retry", by="T:U1", call="n1") == "already_settled"
    assert group.work() == ["done"]
    assert answers == ["skip"]
