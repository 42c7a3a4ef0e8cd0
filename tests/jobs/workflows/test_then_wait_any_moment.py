"""An abort, a pause and a death at every step of a node's life within its operation."""

from typing import Any, cast

import pytest

from jobs.models import NodeStatus, OperationEnd, OperationView, QuestionKind, Submitted
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import until
from tests.jobs.story import Story, web
from tests.jobs.workflows.moments import Moments
from tests.jobs.workflows.then_wait import ask, owned, record, tend

# All that the life of the first node stores, in its order; `finish` is its end.
MOMENTS = (
    "take", "maintenance:1", "ask:maintenance:1", "returning:2", "untaint:2", "back:2",
    "uncordon:2", "well:1", "finish",
)  # fmt: skip
BACK = MOMENTS[MOMENTS.index("back:2") :]  # from here on nothing keeps it out any more


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Moments:
    return Moments(monkeypatch, child=2)


def begin(play: Play) -> Story:
    story = play()
    web(story, 1, elsewhere=1)
    return story


def drive(story: Story, operation: str) -> OperationView:
    """Say of each maintenance that it is done, until the end."""
    decided: set[str] = set()

    def look() -> OperationView | None:
        view = story.view(operation)
        for asked in view.open_questions:
            if asked.kind is QuestionKind.MAINTENANCE and asked.id not in decided:
                decided.add(asked.id)
                story.decide(asked, choices.RETURN)
        return view if view.end else None

    return until(look, within=30, what=f"the end of {operation}")


def changes(story: Story) -> list[str]:
    key = f"{story.worker.store.prefix}events"
    events = cast("list[Any]", story.worker.redis.xrange(key))
    told = (fields for _, fields in events if fields["kind"] == "node_mode")
    return [fields["change"] for fields in told if fields["change"] != "mode_repeated"]


def test_the_moments_of_a_life_are_all_that_there_are(play: Play, moments: Moments) -> None:
    story = begin(play)
    assert drive(story, ask(story, "node-1")).end is OperationEnd.DRAINED
    assert moments.stored == MOMENTS


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_abort_at_any_moment_leaves_a_node_that_is_back_or_can_be_brought_back(
    play: Play, moments: Moments, moment: str
) -> None:
    story = begin(play)
    operations: list[str] = []

    def abort() -> None:
        until(lambda: operations)
        story.abort(operations[0])

    moments.at(moment, abort)
    operations.append(ask(story, "node-1", "node-2"))
    view = drive(story, operations[0])
    assert moments.hit
    assert view.end is OperationEnd.ABORTED
    first, second = view.nodes
    assert second.status is NodeStatus.ABORTED
    assert not story.cordoned("node-2")
    back = first.status is NodeStatus.RETURNED
    assert back is (moment in BACK)
    assert story.cordoned() is not back
    assert owned(story) == ([] if back else ["node-1"])
    assert [entry.what for entry in view.log].count("aborted") == 1
    if not back:
        assert first.status in {NodeStatus.DRAINED, NodeStatus.ABORTED}
        returned = tend(story, "return")
        assert isinstance(returned, Submitted)
        assert story.finish(returned.operation).end is OperationEnd.DRAINED
        assert owned(story) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_pause_at_any_moment_lets_no_other_node_begin_and_loses_nothing(
    play: Play, moments: Moments, moment: str
) -> None:
    story = begin(play)
    operations: list[str] = []

    def pause() -> None:
        until(lambda: operations)
        story.pause(operations[0])

    moments.at(moment, pause)
    operations.append(ask(story, "node-1", "node-2"))
    asked = until(lambda: story.view(operations[0]).open_questions, what="the maintenance")
    story.decide(asked[0], choices.RETURN)
    until(lambda: story.node(operations[0]).status is NodeStatus.RETURNED, what="its return")
    until(lambda: story.node(operations[0]).ended_at, what="the end of its part")
    assert moments.hit
    assert not story.cordoned("node-2")
    story.resume(operations[0])
    view = drive(story, operations[0])
    assert [node.status for node in view.nodes] == [NodeStatus.RETURNED] * 2


@pytest.mark.parametrize("moment", MOMENTS[:-1])  # at its end all has been done and stored
def test_a_death_at_any_moment_does_nothing_twice(
    play: Play, moments: Moments, moment: str
) -> None:
    story = begin(play)

    def die() -> None:
        raise RuntimeError("it dies here")

    moments.at(moment, die)
    operation = ask(story, "node-1")
    view = drive(story, operation)
    assert moments.hit
    assert (view.end, view.nodes[0].status) == (OperationEnd.DRAINED, NodeStatus.RETURNED)
    assert owned(story) == []
    assert record(story).mode == "accepting"
    told = [entry.what for entry in view.log]
    for what in ("maintenance_started", "returning", "returned", "ended"):
        assert told.count(what) == 1, told
    assert changes(story) == [
        "drain_started", "drain_confirmed", "maintenance_started", "maintenance_ended",
        "returned_to_service",
    ]  # fmt: skip
