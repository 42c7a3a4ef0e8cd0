"""New code that no longer fits what is under way: it stops for a person, who decides what then."""

import json

import pytest

from jobs.models import NodeStatus, OperationEnd, QuestionKind, QuestionView
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import until
from tests.jobs.story import Story, block, web


def deploy(story: Story, workflow: str, step: str) -> None:
    """Have the code ask for another step than the one in the history, as after a careless change.

    The history is changed, and not the code: to the worker that replays it, it is the same.
    """
    key = f"{story.worker.store.prefix}wf:{workflow}:steps"
    stored = json.loads(str(story.worker.redis.hget(key, step)))
    story.worker.redis.hset(key, step, json.dumps(stored | {"fp": "of the old code"}))


def stopped(story: Story, operation: str, after: QuestionView) -> QuestionView:
    """What people are asked once somebody has answered and the workflow goes on."""
    story.decide(after, choices.RETRY)
    asked = story.question(operation, after=[after])
    assert asked.kind is QuestionKind.STUCK
    assert "another one" in asked.detail
    return asked


def test_a_drain_of_a_node_starts_again_from_the_clusters_state(play: Play) -> None:
    story = play()
    web(story, 2, elsewhere=1)  # they may go at once
    block(story)
    operation = story.submit("node-1")
    blocked = story.question(operation)
    gone = len(story.evictions())
    deploy(story, f"{operation}-1", "owners")
    asked = stopped(story, operation, blocked)
    assert story.cordoned()
    assert len(story.evictions()) == gone == 2  # it did nothing that it was not sure of

    story.decide(asked, "restart")
    again = story.question(operation, after=[blocked, asked])
    assert (again.kind, again.pods_left) == (QuestionKind.BLOCK, 1)  # as the cluster is now
    story.decide(again, choices.FORCE, note="moved")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].forced) == (OperationEnd.DRAINED, ("payments/db-0",))
    assert len(story.evictions()) == gone
    story.give_back("node-1")
    assert not story.cordoned()  # that it was ours is remembered on the node


def test_an_operation_starts_again_when_its_nodes_have_tidied_up(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    blocked = story.question(operation)
    deploy(story, operation, "reserve")
    story.decide(blocked, choices.SKIP)  # the end of a node wakes the operation
    asked = story.question(operation, after=[blocked])
    assert asked.kind is QuestionKind.STUCK
    assert not story.cordoned()

    story.decide(asked, "restart")
    again = story.question(operation, after=[blocked, asked])
    story.decide(again, choices.FORCE, note="moved")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert [(node.name, node.status) for node in view.nodes] == [("node-1", NodeStatus.DRAINED)]
    story.give_back("node-1")
    assert not story.cordoned()


def test_an_operation_that_starts_again_while_a_node_is_drained_lets_that_end_first(
    play: Play,
) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    blocked = story.question(operation)
    deploy(story, operation, "reserve")
    story.worker.redis.hset(  # as when its slot died: it is taken up anew
        f"{story.worker.store.prefix}wf:{operation}", "state", "running"
    )
    story.worker.redis.zadd(f"{story.worker.store.prefix}running", {operation: 1})
    asked = story.question(operation, after=[blocked])
    assert asked.kind is QuestionKind.STUCK
    story.decide(asked, "restart")
    again = story.question(operation, after=[blocked, asked])
    closed = next(q for q in story.view(operation).questions if q.id == blocked.id)
    assert closed.closed_because == "aborted"
    assert again.kind is QuestionKind.BLOCK
    story.decide(again, choices.FORCE, note="moved")
    assert story.finish(operation).end is OperationEnd.DRAINED


@pytest.mark.parametrize("how", ["answer", "abort"])
@pytest.mark.parametrize("what", ["node", "operation"])
def test_who_aborts_it_gets_an_end_and_keeps_no_cordon_that_nobody_can_undo(
    play: Play, what: str, how: str
) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    blocked = story.question(operation)
    if what == "node":
        deploy(story, f"{operation}-1", "owners")
        asked = stopped(story, operation, blocked)
    else:
        deploy(story, operation, "reserve")
        story.decide(blocked, choices.SKIP)
        asked = story.question(operation, after=[blocked])
    if how == "answer":
        story.decide(asked, choices.ABORT)
    else:
        story.abort(operation)
    view = story.finish(operation)
    assert view.end in {OperationEnd.ABORTED, OperationEnd.FAILED, OperationEnd.PARTLY}
    assert view.open_questions == ()
    until(lambda: not story.worker.store.running(), what="the end of all activations")
    if story.cordoned():  # its own clean-up could not be reached: people may give it back
        story.give_back("node-1")
    assert not story.cordoned()
    assert story.finish(story.submit("node-3")).end is OperationEnd.DRAINED
