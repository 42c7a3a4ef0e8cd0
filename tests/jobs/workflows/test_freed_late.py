"""What frees itself resumes a drain for half an hour; later people are asked once more."""

import pytest

from jobs.models import NodeStatus, OperationEnd, Outcome, QuestionKind, QuestionView
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, block

LATE = policy_with({"auto_resume_within": "1s"})


def freed_late(story: Story) -> tuple[QuestionView, QuestionView]:
    """Free what blocks a drain when its time to resume by itself is over."""
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: story.worker.store.now() > asked.opened_at + 1_100, what="a later time")
    story.cluster.scale("payments", "db", 3)
    return asked, story.question(operation, after=[asked])


def test_it_is_asked_in_the_same_message_and_nothing_moves_before_the_answer(play: Play) -> None:
    story = play(policy=LATE)
    asked, again = freed_late(story)
    assert again.kind is QuestionKind.FREED
    assert (again.choices, again.thread_key) == (("retry", "skip", "abort"), asked.thread_key)
    assert "payments/db-0" in again.detail
    assert (again.pods_left, again.pods_total) == (1, 1)
    closed = story.service.question(asked.id)
    assert closed is not None
    assert closed.closed_because == "no_longer_needed"
    assert story.decide(asked, "retry").outcome is Outcome.CLOSED
    assert story.pods_on() == ["db-0"]
    story.decide(again, "retry")
    assert story.finish(again.operation).end is OperationEnd.DRAINED


@pytest.mark.parametrize(
    ("choice", "status"), [("skip", NodeStatus.SKIPPED), ("abort", NodeStatus.ABORTED)]
)
def test_who_has_other_plans_by_now_leaves_the_node(
    play: Play, choice: str, status: NodeStatus
) -> None:
    story = play(policy=LATE)
    _, again = freed_late(story)
    story.decide(again, choice)
    view = story.finish(again.operation)
    assert view.nodes[0].status is status
    assert story.pods_on() == ["db-0"]
