"""A node that was deleted and made anew under its name, while ours was out of service.

Its record ends as gone, nothing is asked that could not be done, and the new node is nobody's.
"""

import pytest

from jobs.drain.fence import PREFIX
from jobs.models import (
    NodeStatus,
    OperationEnd,
    OperationView,
    QuestionKind,
    QuestionState,
)
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, until
from tests.jobs.story import Story
from tests.jobs.workflows.test_node_life import annotations, drained, maintain, record, words

ANEW = "another node has its name now"


def make_anew(story: Story) -> None:
    story.cluster.delete("Node", "", "node-1")
    story.cluster.add_node("node-1")


def life_of(story: Story) -> str:
    """Wait for the operation that a lost fence began."""

    def lives() -> list[OperationView]:
        found = story.service.operations("test")
        return [view for view in found if view.life is not None]

    until(lambda: bool(lives()), what="the watcher's word")
    return lives()[0].id


def is_let_go_of(story: Story) -> None:
    """The record has ended, and the new node is as it came."""
    until(lambda: record(story).mode == "gone", what="the end of the record")
    assert record(story).owner == ""
    assert not story.cordoned()
    assert not [key for key in annotations(story) if key.startswith(PREFIX)]


def test_it_is_said_and_its_record_ends_without_a_question(play: Play) -> None:
    story, _ = drained(play)
    make_anew(story)
    ended = story.finish(life_of(story))
    assert (ended.end, ended.detail) == (OperationEnd.FAILED, ANEW)
    assert ended.nodes[0].status is NodeStatus.GONE
    assert ended.questions == ()
    assert words(ended) == ["fence_lost"]
    is_let_go_of(story)


def test_in_maintenance_its_question_is_withdrawn(play: Play) -> None:
    story, _ = drained(play)
    life = maintain(story)
    question = story.question(life)
    make_anew(story)
    ended = story.finish(life)
    assert (ended.end, ended.detail) == (OperationEnd.FAILED, ANEW)
    assert [q.id for q in ended.questions] == [question.id]
    assert ended.open_questions == ()
    is_let_go_of(story)


def lost(play: Play) -> tuple[Story, str]:
    """A fence that somebody broke, with the question that it brings; then the node is made anew."""
    story, _ = drained(play)
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})
    return story, life_of(story)


@pytest.mark.parametrize("anew", [True, False])
def test_a_question_of_a_fence_that_was_lost_before_is_withdrawn(play: Play, *, anew: bool) -> None:
    story, life = lost(play)
    question = story.question(life)
    assert question.kind is QuestionKind.FENCE_LOST
    if anew:
        make_anew(story)
    else:
        story.cluster.delete("Node", "", "node-1")
    ended = story.finish(life)
    assert (ended.end, ended.nodes[0].status) == (OperationEnd.FAILED, NodeStatus.GONE)
    assert [(q.id, q.state) for q in ended.questions] == [(question.id, QuestionState.CLOSED)]
    until(lambda: record(story).mode == "gone", what="the end of the record")
    if anew:
        is_let_go_of(story)


@pytest.mark.parametrize("choice", choices.FENCE_LOST)
def test_whatever_is_chosen_just_then_gets_people_out(play: Play, choice: str) -> None:
    story, life = lost(play)
    question = story.question(life)
    make_anew(story)
    story.service.decide(ANA, question.id, choice, nonce="just then")  # it may be too late already
    ended = story.finish(life)
    assert ended.end is not OperationEnd.DRAINED
    assert len(ended.questions) == 1  # nothing is asked again about a node that is gone
    is_let_go_of(story)


def test_the_new_node_can_be_drained_as_any_other(play: Play) -> None:
    story, _ = drained(play)
    make_anew(story)
    story.finish(life_of(story))
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    assert record(story).mode == "drained"
    assert story.cordoned()
