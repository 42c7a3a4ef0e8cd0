"""Stored histories are run against the code at hand, and nothing is done by that."""

from typing import Any

from jobs.durable import Context, Question
from jobs.durable.replay import Replayed, replay_live
from tests.jobs.durable.harness import Group

Ctx = Context[Any]


def _started(group: Group, steps: list[str]) -> list[str]:
    """Start a workflow whose code is whatever `steps` says by then, and let it come to its wait."""
    done: list[str] = []

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        for key in steps:
            ctx.step(key, done.append, key)
        ctx.log("waiting")
        ctx.first("ask", answer=Question("block", {}, ("retry", "skip")))

    group.start("drain")
    assert group.work() == ["suspended"]
    return done


def test_a_history_that_fits_is_replayed_without_doing_anything(group: Group) -> None:
    done = _started(group, ["plan", "reserve"])
    before = group.dump()
    assert replay_live(group.store, group.registry) == (Replayed("op-1", "drain", 2),)
    assert done == ["plan", "reserve"]
    assert group.dump() == before


def test_a_step_that_is_new_before_a_stored_one_diverges(group: Group) -> None:
    steps = ["plan", "reserve"]
    done = _started(group, steps)
    steps.insert(1, "approve")
    (replayed,) = replay_live(group.store, group.registry)
    assert "'approve' is new before 'reserve'" in replayed.problem
    assert done == ["plan", "reserve"]


def test_a_step_that_the_code_no_longer_has_diverges(group: Group) -> None:
    steps = ["plan", "reserve"]
    _started(group, steps)
    steps.remove("plan")
    (replayed,) = replay_live(group.store, group.registry)
    assert "which is stored" in replayed.problem


def test_a_step_that_is_new_after_all_that_is_stored_fits(group: Group) -> None:
    steps = ["plan"]
    _started(group, steps)
    steps.append("reserve")
    (replayed,) = replay_live(group.store, group.registry)
    assert replayed.problem == ""


def test_code_that_ends_before_its_history_does_diverges(group: Group) -> None:
    ends: list[bool] = []

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        if not ends:
            ctx.step("plan", lambda: 1)
            ctx.sleep("s", 1)

    group.start("drain")
    group.work()
    ends.append(True)
    (replayed,) = replay_live(group.store, group.registry)
    assert "ends without the step 'plan'" in replayed.problem
    group.clock.advance(2)
    group.sweep()
    assert group.work() == ["stuck"]


def test_a_workflow_that_nobody_knows_any_more_is_listed(group: Group) -> None:
    _started(group, ["plan"])
    group.registry.bodies.clear()
    (replayed,) = replay_live(group.store, group.registry)
    assert "knows no workflow 'drain'" in replayed.problem


def test_code_that_crashes_on_its_history_is_listed(group: Group) -> None:
    broken: list[bool] = []

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        ctx.step("plan", lambda: 1)
        if broken:
            raise KeyError("pods")
        ctx.sleep("s", 1)

    group.start("drain")
    group.work()
    broken.append(True)
    (replayed,) = replay_live(group.store, group.registry)
    assert replayed.problem == "it crashes: KeyError: 'pods'"


def test_children_are_replayed_too_and_what_has_ended_is_not(group: Group) -> None:
    @group.workflow
    def node(ctx: Ctx, name: Any) -> Any:
        if name == "b":
            ctx.sleep("s", 1)

    @group.workflow
    def drain(ctx: Ctx, _: Any) -> Any:
        handles = [ctx.spawn(f"node:{name}", "node", name) for name in ("a", "b")]
        ctx.wait_for("all", handles, need=2)

    group.start("drain")
    group.work()
    names = [
        (replayed.workflow, replayed.problem)
        for replayed in replay_live(group.store, group.registry)
    ]
    assert names == [("op-1", ""), ("op-1-2", "")]


def test_a_step_that_is_new_before_a_stored_one_stops_a_real_run_for_a_person(group: Group) -> None:
    steps = ["plan", "reserve"]
    done = _started(group, steps)
    steps.insert(0, "approve")
    group.store.settle(group.question(), "retry", by="T:U1", call="c")
    assert group.work() == ["stuck"]
    assert done == ["plan", "reserve"]
