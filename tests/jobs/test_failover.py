"""A failover that lost the last writes, in the middle of a drain: the cluster is not hurt by it."""

from collections.abc import Callable

import pytest
from redis import Redis

from jobs.drain.fence import TOKEN, WAS_CORDONED
from jobs.models import OperationEnd
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.failover import snapshot
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, block, web


def marks(story: Story) -> dict[str, str]:
    found = story.cluster.get("Node", "", "node-1")
    assert found is not None
    kept: dict[str, str] = found["metadata"].get("annotations") or {}
    return kept


PODS = 8
Moment = Callable[[Story, str], object]
MOMENTS: dict[str, Moment] = {
    "asked for": lambda _story, _operation: True,
    "cordoned": lambda story, _: WAS_CORDONED in marks(story),
    "evicting": lambda story, _: len(story.evictions()) >= 2,
}


@pytest.mark.parametrize("back_to", list(MOMENTS))
@pytest.mark.parametrize("before_us", ["cordoned", "open"])
def test_a_drain_whose_last_writes_were_lost_evicts_nobody_twice_and_keeps_what_was_cordoned(
    play: Play, redis: Redis, back_to: str, before_us: str
) -> None:
    story = play(policy=policy_with({"evictions_per_second": 10.0}))
    cordoned_before = before_us == "cordoned"
    if cordoned_before:
        story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    web(story, PODS)
    before = {pod["metadata"]["uid"] for pod in story.cluster.list("Pod", node="node-1")}
    operation = story.submit("node-1")
    until(lambda: MOMENTS[back_to](story, operation), what=back_to)
    fail_over = snapshot(redis)
    until(lambda: len(story.evictions()) >= 4, what="the drain's middle")
    shown = int(marks(story)[TOKEN])
    fail_over()

    assert story.finish(operation).end is OperationEnd.DRAINED
    assert {entry.uid_precondition for entry in story.evictions()} == before
    assert len(story.evictions()) <= len(before) + 1  # one whose answer nobody remembers
    assert marks(story)[WAS_CORDONED] == ("true" if cordoned_before else "false")
    assert int(marks(story)[TOKEN]) >= shown
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert record.counter == int(marks(story)[TOKEN])
    story.give_back("node-1")
    assert story.cordoned() is cordoned_before


def test_a_claim_goes_above_what_the_node_shows_where_the_record_lost_its_counter(
    play: Play, redis: Redis
) -> None:
    story = play()
    fail_over = snapshot(redis)
    for _ in range(3):
        story.finish(story.submit("node-1"))
        story.give_back("node-1")
    shown = int(marks(story)[TOKEN])
    fail_over()
    assert story.worker.resources.nodes.record("node-1") is None
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    assert int(marks(story)[TOKEN]) > shown


def test_an_answer_that_was_lost_is_waited_for_again(play: Play, redis: Redis) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: story.suspended(operation), what="the wait")
    fail_over = snapshot(redis)
    story.decide(asked, choices.SKIP)
    fail_over()
    assert story.question(operation).id == asked.id
    story.decide(asked, choices.SKIP)
    assert story.finish(operation).end is not None
    assert not story.cordoned()
