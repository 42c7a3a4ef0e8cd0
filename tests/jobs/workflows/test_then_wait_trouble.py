"""A whole life in one operation, when others meddle: lost fences, returns, nodes that go."""

import pytest

from jobs.ids import short
from jobs.models import (
    NodeStatus,
    OperationEnd,
    Outcome,
    QuestionKind,
    QuestionView,
    Refused,
    Submitted,
)
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import NAME, policy_with, until
from tests.jobs.story import Story
from tests.jobs.workflows.then_wait import (
    ALL,
    IMPATIENT,
    ask,
    done,
    maintained,
    owned,
    question,
    record,
    status,
    statuses,
    tend,
    uncordon,
    unwell,
)

# -- the fence -----------------------------------------------------------------------------------


def test_a_fence_that_is_lost_in_maintenance_is_asked_about_in_the_operation(play: Play) -> None:
    story = play()
    operation = ask(story)
    first = maintained(story, operation)
    uncordon(story)
    asked = question(story, operation, QuestionKind.FENCE_LOST)
    assert asked.detail == "somebody uncordoned it"
    assert asked.choices == ("drain_again", "declare_valid", "give_back", "abort")
    assert story.node(operation).status is NodeStatus.FENCE_LOST
    assert not story.node(operation).safe_to_power_off
    assert story.decide(first, choices.RETURN).outcome is Outcome.CLOSED
    assert not story.cordoned("node-2")
    assert [view.id for view in story.service.operations(NAME)] == [operation]


def test_a_node_that_lost_its_fence_is_drained_again_and_goes_on_with_its_maintenance(
    play: Play,
) -> None:
    story = play()
    operation = ask(story)
    first = maintained(story, operation)
    uncordon(story)
    story.decide(question(story, operation, QuestionKind.FENCE_LOST), choices.DRAIN_AGAIN)
    again = maintained(story, operation)
    assert story.cordoned()
    assert again.thread_key != first.thread_key
    assert statuses(story, operation) == [NodeStatus.MAINTENANCE, NodeStatus.WAITING]
    done(story, operation, "node-1", "node-2")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_node_that_lost_its_fence_can_be_given_back(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1")
    maintained(story, operation)
    uncordon(story)
    story.decide(question(story, operation, QuestionKind.FENCE_LOST), choices.GIVE_BACK)
    view = story.finish(operation)
    assert (view.end, view.nodes[0].status) == (OperationEnd.DRAINED, NodeStatus.RETURNED)
    assert owned(story) == []


def test_a_fence_that_is_declared_valid_lets_the_maintenance_go_on(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1")
    maintained(story, operation)
    uncordon(story)
    asked = question(story, operation, QuestionKind.FENCE_LOST)
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    story.decide(asked, choices.DECLARE_VALID)
    done(story, operation, "node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_an_abort_without_a_fence_does_not_call_the_node_drained(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1")
    maintained(story, operation)
    uncordon(story)
    story.decide(question(story, operation, QuestionKind.FENCE_LOST), choices.ABORT)
    view = story.finish(operation)
    assert (view.end, view.nodes[0].status) == (OperationEnd.ABORTED, NodeStatus.ABORTED)


# -- others ---------------------------------------------------------------------------------------


def test_a_return_by_command_settles_the_question_and_the_operation_goes_on(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 2}))
    operation = ask(story, *ALL)
    maintained(story, operation, "node-1")
    other = maintained(story, operation, "node-2")
    answer = tend(story, "return", "node-1")
    assert isinstance(answer, Submitted)
    assert (answer.operation, answer.created) == (operation, True)
    status(story, operation, NodeStatus.RETURNED)
    assert other.id in {q.id for q in story.view(operation).open_questions}  # another node's
    done(story, operation, "node-3", "node-2")
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert len(story.service.operations(NAME)) == 1


def test_a_maintenance_by_command_of_a_node_in_maintenance_names_the_operation(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1")
    maintained(story, operation)
    answer = tend(story, "maintenance")
    assert isinstance(answer, Refused)
    assert answer.reason.startswith("node-1 is in maintenance, and op ")
    assert story.view(operation).end is None


def test_a_node_that_somebody_returned_before_its_maintenance_is_not_returned_twice(
    play: Play,
) -> None:
    story = play(policy=policy_with(IMPATIENT))
    operation, pod = unwell(story)
    returned = tend(story, "return")
    assert isinstance(returned, Submitted)
    assert returned.operation != operation
    assert story.finish(returned.operation).end is OperationEnd.DRAINED
    story.cluster.set_ready("shop", pod, ready=True)
    status(story, operation, NodeStatus.RETURNED)
    done(story, operation, "node-3")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_node_that_somebody_maintains_by_itself_is_waited_for(play: Play) -> None:
    story = play(policy=policy_with(IMPATIENT))
    operation, pod = unwell(story)
    life = tend(story, "maintenance")
    assert isinstance(life, Submitted)
    asked = story.question(life.operation)
    story.cluster.set_ready("shop", pod, ready=True)
    until(lambda: story.suspended(operation, 2), what="the operation to wait for the other one")
    assert story.node(operation).status is NodeStatus.DRAINED
    assert not story.cordoned("node-3")
    story.decide(asked, choices.RETURN)
    done(story, operation, "node-3")
    view = story.finish(operation)
    assert [node.status for node in view.nodes] == [NodeStatus.RETURNED] * 2


def test_a_node_whose_own_maintenance_was_aborted_is_taken_over(play: Play) -> None:
    story = play(policy=policy_with(IMPATIENT))
    operation, pod = unwell(story)
    life = tend(story, "maintenance")
    assert isinstance(life, Submitted)
    story.question(life.operation)
    story.cluster.set_ready("shop", pod, ready=True)
    until(lambda: story.suspended(operation, 2), what="the operation to wait for the other one")
    story.abort(life.operation)
    done(story, operation, "node-1", "node-3")
    assert story.finish(operation).end is OperationEnd.DRAINED


def elsewhere(story: Story, operation: str) -> QuestionView:
    """Wait until another operation asks something."""

    def look() -> QuestionView | None:
        others = [view for view in story.service.operations(NAME) if view.id != operation]
        return next((asked for view in others for asked in view.open_questions), None)

    return until(look, what="a question of another operation")


@pytest.mark.parametrize("choice", [choices.DRAIN_AGAIN, choices.GIVE_BACK])
def test_a_fence_that_is_lost_before_the_maintenance_is_decided_about_first(
    play: Play, choice: str
) -> None:
    story = play(policy=policy_with(IMPATIENT))
    operation, pod = unwell(story)
    uncordon(story)
    asked = elsewhere(story, operation)
    assert asked.kind is QuestionKind.FENCE_LOST
    story.cluster.set_ready("shop", pod, ready=True)
    until(lambda: story.suspended(operation, 2), what="the operation to wait for the other one")
    story.decide(asked, choice)
    if choice == choices.DRAIN_AGAIN:
        done(story, operation, "node-1")
    done(story, operation, "node-3")
    view = story.finish(operation)
    assert [node.status for node in view.nodes] == [NodeStatus.RETURNED] * 2


def test_a_node_that_another_drain_has_taken_is_not_called_returned(play: Play) -> None:
    story = play(policy=policy_with(IMPATIENT))
    operation, pod = unwell(story)
    uncordon(story)
    asked = elsewhere(story, operation)
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    story.decide(asked, choices.DECLARE_VALID)
    story.finish(asked.operation)
    other = ask(story, "node-1")  # whose owner has ended: it may be taken
    maintained(story, other)
    story.cluster.set_ready("shop", pod, ready=True)
    view = status(story, operation, NodeStatus.FAILED)
    assert view.detail == f"op {short(other)} drains it now"
    assert record(story).owner == other


@pytest.mark.parametrize(
    ("expect_gone", "end"), [(True, OperationEnd.DRAINED), (False, OperationEnd.FAILED)]
)
def test_a_node_that_is_deleted_in_maintenance_is_gone(
    *, play: Play, expect_gone: bool, end: OperationEnd
) -> None:
    story = play()
    operation = ask(story, "node-1", expect_gone=expect_gone)
    maintained(story, operation)
    story.cluster.delete("Node", "", "node-1")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].status) == (end, NodeStatus.GONE)
    assert owned(story) == []


def test_a_node_that_is_deleted_on_its_way_back_is_gone(play: Play) -> None:
    story = play()
    operation = ask(story)
    maintained(story, operation)
    story.cluster.set_node_ready("node-1", ready=False)
    done(story, operation, "node-1")
    status(story, operation, NodeStatus.RETURNING)
    story.cluster.delete("Node", "", "node-1")
    status(story, operation, NodeStatus.GONE)
    done(story, operation, "node-2")
    view = story.finish(operation)
    assert view.end is OperationEnd.PARTLY
    assert owned(story) == []
