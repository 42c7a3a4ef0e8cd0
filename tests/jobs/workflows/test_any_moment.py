"""An abort and a pause at every step of a node's drain, right before that step is stored."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.models import NodeStatus, OperationEnd, OperationView
from jobs.workflows import choices
from sandbox.cluster import Entry
from tests.jobs.conftest import Play
from tests.jobs.harness import until
from tests.jobs.story import Story, block, web
from tests.jobs.workflows.moments import Moments

# All that the drain below stores, in its order; `well` rests before, and `finish` is its end.
MOMENTS = (
    "cordon", "owners", "evict:1", "tell:blocked:1", "ask:1", "evict:2", "volumes:2", "confirm:2",
    "tell:drained", "well:1", "finish",
)  # fmt: skip
CONFIRMED = MOMENTS[MOMENTS.index("confirm:2") :]  # it is drained by then, and stays so


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Moments:
    return Moments(monkeypatch)


def begin(play: Play) -> Story:
    """Two pods that move, and one that a budget keeps until it is forced."""
    story = play()
    web(story, 2, elsewhere=1)
    block(story)
    return story


def gone(story: Story) -> list[Entry]:
    """The pods that were evicted or deleted."""
    return [*story.evictions(), *story.requests("pods", carried_out=True)]


def drive(story: Story, operation: str, true: Callable[[OperationView], Any]) -> OperationView:
    """Force what is asked about, until something is true."""
    decided: set[str] = set()

    def look() -> OperationView | None:
        view = story.view(operation)
        for asked in view.open_questions:
            if asked.id not in decided:
                decided.add(asked.id)
                story.decide(asked, choices.FORCE, note="moved")
        return view if true(view) else None

    return until(look, what=f"{operation} to come so far")


def test_the_moments_are_all_that_there_are(play: Play, moments: Moments) -> None:
    story = begin(play)
    operation = story.submit("node-1")
    assert drive(story, operation, lambda view: view.end).end is OperationEnd.DRAINED
    assert moments.stored == MOMENTS


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_abort_at_any_moment_evicts_nothing_more_and_leaves_no_cordon_without_an_owner(
    play: Play, moments: Moments, moment: str
) -> None:
    story = begin(play)
    operations: list[str] = []
    before: list[Entry] = []

    def abort() -> None:
        until(lambda: operations)
        story.abort(operations[0])
        before.extend(gone(story))

    moments.at(moment, abort)
    operations.append(story.submit("node-1"))
    view = drive(story, operations[0], lambda view: view.end)
    assert moments.hit
    drained = moment in CONFIRMED
    assert view.end is (OperationEnd.DRAINED if drained else OperationEnd.ABORTED)
    assert view.nodes[0].status is (NodeStatus.DRAINED if drained else NodeStatus.ABORTED)
    assert gone(story) == before
    assert view.open_questions == ()
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert story.cordoned() is bool(before)
    assert record.owner == (operations[0] if before else "")
    if before:
        story.give_back("node-1")
        assert not story.cordoned()
    told = [entry.what for entry in story.view(operations[0]).log]
    assert told.count("aborted") <= 1
    assert told.count("ended") <= 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_pause_at_any_moment_evicts_nothing_until_it_is_resumed_and_loses_nothing(
    play: Play, moments: Moments, moment: str
) -> None:
    story = begin(play)
    pods = {pod["metadata"]["uid"] for pod in story.cluster.list("Pod", node="node-1")}
    operations: list[str] = []
    before: list[Entry] = []

    def pause() -> None:
        until(lambda: operations)
        story.pause(operations[0])
        before.extend(gone(story))

    moments.at(moment, pause)
    operations.append(story.submit("node-1"))
    drive(story, operations[0], lambda _: moments.hit)
    child = f"{operations[0]}-1"

    def still() -> bool:
        record = story.worker.store.workflow(child)
        return record is not None and (record.final or record.state == "suspended")

    until(lambda: still() and not story.worker.store.running(), what="a drain that stands still")
    assert gone(story) == before
    story.resume(operations[0])
    view = drive(story, operations[0], lambda view: view.end)
    assert view.end is OperationEnd.DRAINED
    assert len(gone(story)) == len(pods)
    assert {entry.uid_precondition for entry in gone(story)} == pods
    assert [entry.what for entry in view.log].count("drained") == 1
