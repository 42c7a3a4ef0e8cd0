"""Whoever frees its slot goes on at once if a person said something that it has not looked at yet.

The news of an abort, a pause or a resume come with each renewal of the lease, on another thread:
they may be there before the activity has looked at them.
"""

import pytest

from jobs.durable import Activity, Context, TemporaryError
from jobs.durable.errors import Aborted
from tests.jobs.durable.harness import Group

FAR = 10**15  # ms: for ever


def say(group: Group, action: str) -> None:
    assert group.store.control("op-1", action, by="ana", call=f"{action}-1") == "changed"


def hear(act: Activity[None]) -> None:
    """Have the lease renewed, as it is every second: that brings the news."""
    act.remember({"step": "hears"})


@pytest.mark.parametrize("how", ["rests", "tries again later"])
def test_an_abort_that_is_heard_of_after_the_last_look_is_not_slept_over(
    group: Group, how: str
) -> None:
    def at_work(act: Activity[None]) -> None:
        act.tick()
        say(group, "abort")
        hear(act)
        if how == "rests":
            act.rest(until=FAR)
        raise TemporaryError("away", delay=3600)

    def works(ctx: Context[None], _input: object) -> str:
        try:
            ctx.activity("work", at_work)
        except Aborted:
            return "aborted"
        return "went on"

    group.workflow(works)
    group.start("works")
    assert group.work() == ["suspended", "done"]
    assert group.result() == "aborted"


def test_a_resume_that_is_heard_of_after_the_look_at_the_pause_is_not_slept_over(
    group: Group,
) -> None:
    def at_work(act: Activity[None]) -> str:
        act.tick()
        if not act.flags.held:
            return "went on"
        say(group, "resume")
        hear(act)
        act.rest(until=FAR)
        return "never"

    def works(ctx: Context[None], _input: object) -> str:
        return ctx.activity("work", at_work)

    group.workflow(works)
    group.start("works")
    say(group, "pause")
    assert group.work() == ["suspended", "done"]
    assert group.result() == "went on"


def test_a_step_that_is_tried_again_later_does_not_sleep_over_an_abort(group: Group) -> None:
    def works(ctx: Context[None], _input: object) -> str:
        def reach() -> None:
            say(group, "abort")
            ctx._guard.progress({"news": 1})
            ctx._guard.flush()
            raise TemporaryError("away", delay=3600)

        try:
            ctx.step("reach", reach)
        except Aborted:
            return "aborted"
        return "went on"

    group.workflow(works)
    group.start("works")
    assert group.work() == ["suspended", "done"]
    assert group.result() == "aborted"


def test_what_was_looked_at_before_the_rest_wakes_nobody_again(group: Group) -> None:
    looks: list[bool] = []

    def at_work(act: Activity[None]) -> None:
        act.tick()
        looks.append(act.flags.held)
        hear(act)
        act.rest(until=FAR)

    def works(ctx: Context[None], _input: object) -> None:
        ctx.activity("work", at_work)

    group.workflow(works)
    group.start("works")
    say(group, "pause")
    assert group.work() == ["suspended"]
    assert looks == [True]
    say(group, "resume")
    assert group.work() == ["suspended"]
    assert looks == [True, False]
