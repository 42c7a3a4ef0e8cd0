"""Operations of several nodes: from the request to the end, whatever people decide meanwhile."""

from typing import Any

import pytest

from jobs.guardrails import Guardrails
from jobs.models import (
    DrainOptions,
    NodeStatus,
    OperationEnd,
    OperationState,
    Outcome,
    QuestionKind,
    Refused,
)
from sandbox.cluster import nodes
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, EVE, policy_with, until
from tests.jobs.story import Story, block, hold

ALL = ("node-1", "node-2", "node-3")


def statuses(story: Story, operation: str) -> dict[str, NodeStatus]:
    return {node.name: node.status for node in story.view(operation).nodes}


def spread(story: Story, *names: str, **fields: Any) -> None:
    for name in names:
        story.cluster.add_workload(
            "Deployment", "shop", f"web-{name}", replicas=2, on=[name, name], **fields
        )


def owned(story: Story) -> tuple[str, ...]:
    return story.worker.resources.nodes.owned()


# -- several nodes -------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [1, 2])
def test_no_more_nodes_are_taken_out_at_once_than_the_policy_allows(play: Play, away: int) -> None:
    story = play(nodes(*ALL, "node-4"), policy=policy_with({"nodes_away": away}))
    spread(story, "node-1", "node-2", finalizers=("example.com/hold",), grace=0)
    operation = story.submit(*ALL)
    held = ALL[:away]
    until(lambda: len(story.evictions()) == 2 * away, what="the evictions of the first nodes")
    until(lambda: all(story.cordoned(name) for name in held))
    assert [name for name in ALL if story.cordoned(name)] == list(held)
    assert sorted(owned(story)) == sorted(ALL)  # all are reserved from the start
    while story.view(operation).end is None:
        for pod in story.cluster.list("Pod"):
            if pod["metadata"].get("finalizers") and pod["metadata"].get("deletionTimestamp"):
                story.cluster.patch(
                    "Pod", "shop", pod["metadata"]["name"], {"metadata": {"finalizers": None}}
                )
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    began = {node.name: node.started_at for node in view.nodes}
    ended = {node.name: node.ended_at for node in view.nodes}
    for name in ALL[away:]:
        assert began[name] >= min(ended[first] for first in held)


def test_a_skipped_node_is_given_back_and_the_others_are_drained(play: Play) -> None:
    story = play()
    block(story)
    spread(story, "node-3")
    operation = story.submit("node-1", "node-3")
    story.decide(story.question(operation), "skip")
    view = story.finish(operation)
    assert view.end is OperationEnd.PARTLY
    assert statuses(story, operation) == {
        "node-1": NodeStatus.SKIPPED, "node-3": NodeStatus.DRAINED,
    }  # fmt: skip
    assert (story.cordoned("node-1"), story.cordoned("node-3")) == (False, True)
    assert owned(story) == ("node-3",)


def test_an_abort_keeps_drained_nodes_and_gives_untouched_ones_back(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-3", "node-1", "node-2")
    story.question(operation)
    story.abort(operation, "wrong rack")
    view = story.finish(operation)
    assert (view.end, view.aborted_reason) == (OperationEnd.ABORTED, "wrong rack")
    assert statuses(story, operation) == {
        "node-3": NodeStatus.DRAINED, "node-1": NodeStatus.ABORTED, "node-2": NodeStatus.ABORTED,
    }  # fmt: skip
    assert [story.cordoned(name) for name in ("node-3", "node-1", "node-2")] == [True, False, False]
    assert owned(story) == ("node-3",)


def test_an_abort_between_two_nodes_gives_the_next_one_back_too(play: Play) -> None:
    story = play()
    hold(story)
    operation = story.submit("node-1", "node-3")
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.pause(operation)
    until(lambda: story.worker.store.workflow(f"{operation}-1").flags.pause)  # type: ignore[union-attr]
    story.cluster.switch(statefulset=False)
    story.cluster.delete("Pod", "payments", "db-0", grace=0)
    until(lambda: statuses(story, operation)["node-1"] is NodeStatus.DRAINED)
    assert story.view(operation).end is None  # paused: no new node
    assert not story.cordoned("node-3")
    story.abort(operation)
    view = story.finish(operation)
    assert view.end is OperationEnd.ABORTED
    assert statuses(story, operation)["node-3"] is NodeStatus.ABORTED
    assert owned(story) == ("node-1",)


def test_a_pause_between_two_nodes_ends_with_resume(play: Play) -> None:
    story = play()
    hold(story)
    operation = story.submit("node-1", "node-3")
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.pause(operation)
    story.cluster.switch(statefulset=False)
    story.cluster.delete("Pod", "payments", "db-0", grace=0)
    until(lambda: statuses(story, operation)["node-1"] is NodeStatus.DRAINED)
    assert not story.cordoned("node-3")
    story.resume(operation)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_node_that_is_named_twice_is_drained_once(play: Play) -> None:
    story = play()
    view = story.finish(story.submit("node-3", "node-3"))
    assert (view.end, len(view.nodes)) == (OperationEnd.DRAINED, 1)


# -- consent -------------------------------------------------------------------------------------


def test_nothing_is_touched_before_start(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    operation = story.submit("node-1")
    asked = story.question(operation)
    view = story.view(operation)
    assert (asked.kind, view.state) == (QuestionKind.START, OperationState.CONFIRMING)
    assert owned(story) == ()
    assert not story.cordoned()
    assert story.decide(asked, "start", by=EVE).outcome is Outcome.REFUSED
    assert story.decide(asked, "start").outcome is Outcome.SETTLED
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_who_asked_may_call_it_off_before_start(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    operation = story.submit("node-1")
    assert story.decide(story.question(operation), "abort", by=ANA).outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert view.end is OperationEnd.REFUSED
    assert not story.cordoned()


def test_a_plan_that_nobody_confirms_lapses_and_starts_nothing(play: Play) -> None:
    votes = {"by": ["sre"], "votes": 1, "lapses": "1s"}
    story = play(policy=policy_with(rule={"approve": votes}))
    view = story.finish(story.submit("node-1"))
    assert view.end is OperationEnd.REFUSED
    assert view.questions[0].closed_because == "nobody_answered"
    assert not story.cordoned()


def test_approval_takes_votes_of_others_than_who_asked(play: Play) -> None:
    voters = ["U01ANA", "U02BO", "U04CY"]
    story = play(policy=policy_with(rule={"approve": {"by": voters, "votes": 2}}))
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.APPROVAL
    assert story.decide(asked, "approve", by=ANA).outcome is Outcome.REFUSED
    assert story.decide(asked, "approve", by=BO).outcome is Outcome.VOTED
    assert story.decide(asked, "approve", by=BO).outcome is Outcome.ALREADY_VOTED
    assert not story.cordoned()
    cy = BO.model_copy(update={"user": "U04CY"})
    assert story.decide(asked, "approve", by=cy).outcome is Outcome.SETTLED
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_one_denial_is_enough(play: Play) -> None:
    story = play(policy=policy_with(rule={"approve": {"by": ["sre"], "votes": 1}}))
    operation = story.submit("node-1")
    assert story.decide(story.question(operation), "deny").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert (view.end, view.detail) == (OperationEnd.REFUSED, "denied")


# -- ends ----------------------------------------------------------------------------------------


def test_a_question_that_nobody_answers_stops_and_a_new_operation_goes_on(play: Play) -> None:
    story = play(policy=policy_with(questions={"stop_after": "1s", "remind": "300ms"}))
    block(story)
    operation = story.submit("node-1", "node-3")
    asked = story.question(operation)
    view = story.finish(operation)
    assert (view.end, view.questions[0].closed_because) == (
        OperationEnd.STOPPED, "nobody_answered",
    )  # fmt: skip
    assert view.questions[0].reminded == ("remind",)
    assert story.decide(asked, "retry").outcome is Outcome.CLOSED
    assert statuses(story, operation)["node-3"] is NodeStatus.STOPPED
    assert story.cordoned("node-1")
    assert owned(story) == ("node-1",)
    counter = story.worker.resources.nodes.record("node-1")
    again = story.submit("node-1")
    story.decide(story.question(again), "force", note="moved")
    assert story.finish(again).end is OperationEnd.DRAINED
    now = story.worker.resources.nodes.record("node-1")
    assert counter is not None
    assert now is not None
    assert (now.owner, now.counter > counter.counter) == (again, True)


def test_a_wait_moves_the_stop(play: Play) -> None:
    story = play(policy=policy_with(questions={"stop_after": "2s", "remind": "1s"}))
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert story.decide(asked, "wait").outcome is Outcome.POSTPONED
    later = story.service.question(asked.id)
    assert later is not None
    assert later.stop_at == asked.stop_at + 3_600_000
    story.abort(operation)
    story.finish(operation)


def test_an_abort_after_evictions_leaves_the_node_cordoned_and_says_so(play: Play) -> None:
    story = play()
    spread(story, "node-1")
    block(story)
    operation = story.submit("node-1")
    story.question(operation)
    story.abort(operation)
    story.finish(operation)
    node = story.node(operation)
    assert (node.status, node.evicted_any, node.cordon_kept) == (NodeStatus.ABORTED, True, True)
    assert node.pods_gone == 2
    assert story.cordoned()
    given_back = story.give_back("node-1")
    assert given_back.end is OperationEnd.DRAINED
    assert not story.cordoned()
    assert owned(story) == ()


def test_an_abort_in_the_middle_of_evicting_shows_how_far_it_came(play: Play) -> None:
    story = play()
    spread(story, "node-1", finalizers=("example.com/hold",), grace=0)
    operation = story.submit("node-1")
    until(lambda: len(story.evictions()) == 2)
    until(lambda: story.node(operation).terminating == 2)
    story.abort(operation)
    story.finish(operation)
    node = story.node(operation)
    assert (node.pods_total, node.pods_gone, node.evicted_any) == (2, 0, True)
    assert story.cordoned()


def test_an_eviction_without_an_answer_counts_as_one_when_it_is_given_up(play: Play) -> None:
    story = play(policy=policy_with({"evictions_in_flight": 1}))
    story.cluster.add_workload(
        "Deployment", "shop", "web", replicas=1, on=["node-1"], finalizers=("example.com/x",),
    )  # fmt: skip
    story.cluster.cut_next(method="POST", path="/eviction", when="after")
    operation = story.submit("node-1")
    until(lambda: story.node(operation).terminating == 1)
    story.abort(operation)
    story.finish(operation)
    assert story.cordoned()  # a pod is on its way out: the node is not as it was


def test_a_cordon_that_was_there_before_stays_through_abort_and_return(play: Play) -> None:
    story = play()
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    block(story)
    operation = story.submit("node-1")
    story.question(operation)
    story.abort(operation)
    story.finish(operation)
    node = story.node(operation)
    assert (node.cordoned_before, node.cordon_kept) == (True, True)
    assert story.cordoned()
    assert owned(story) == ()


def test_giving_back_keeps_a_cordon_that_was_there_before(play: Play) -> None:
    story = play()
    story.cluster.patch("Node", "", "node-3", {"spec": {"unschedulable": True}})
    story.finish(story.submit("node-3"))
    view = story.give_back("node-3")
    assert "cordoned before" in view.detail
    assert story.cordoned("node-3")
    assert owned(story) == ()


def test_a_node_that_an_operation_works_on_is_not_given_back(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    story.question(operation)
    answer = story.service.uncordon(ANA, "test", "node-1", channel="C01", dedup="back")
    assert isinstance(answer, Refused)
    assert answer.takers == {"node-1": operation}
    assert operation[-6:].upper() in answer.reason
    assert story.cordoned()


def test_a_node_that_nobody_holds_is_not_given_back(play: Play) -> None:
    story = play()
    until(lambda: story.service.inventory("test").as_of)
    view = story.give_back("node-1")
    assert (view.end, "nothing to undo" in view.detail) == (OperationEnd.REFUSED, True)


def test_giving_back_that_fails_says_why(play: Play) -> None:
    story = play()
    story.finish(story.submit("node-3"))
    story.cluster.answer_next(422, method="PATCH", path="/nodes/node-3", body={"message": "no!"})
    view = story.give_back("node-3")
    assert (view.end, view.state) == (OperationEnd.FAILED, OperationState.ENDED)
    assert "no!" in view.detail


def test_a_node_with_somebody_elses_mark_is_left_alone_and_not_kept(play: Play) -> None:
    story = play()
    mark = {"metadata": {"annotations": {"drainbot.dev/operation": "other-abc123"}}}
    story.cluster.patch("Node", "", "node-1", mark)
    operation = story.submit("node-1")
    view = story.finish(operation)
    assert view.end is OperationEnd.FAILED
    assert "other-abc123" in story.node(operation).detail
    assert not story.cordoned()
    assert owned(story) == ()


def test_a_lower_token_never_overwrites_a_higher_one_on_the_node(play: Play) -> None:
    story = play()
    mark = {"metadata": {"annotations": {"drainbot.dev/token": "41"}}}
    story.cluster.patch("Node", "", "node-1", mark)
    story.finish(story.submit("node-1"))
    node = story.cluster.get("Node", "", "node-1")
    assert node is not None
    assert int(node["metadata"]["annotations"]["drainbot.dev/token"]) > 41


def test_the_guardrails_count_all_nodes_that_are_away(play: Play) -> None:
    story = play(guardrails=Guardrails(max_nodes_away=2))
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    view = story.finish(story.submit("node-2", "node-3"))
    assert view.end is OperationEnd.REFUSED
    assert "1 node of this cluster is away already" in view.detail
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED  # it is away already


def test_an_option_that_can_not_be_read_is_refused_in_a_sentence(play: Play) -> None:
    story = play()
    options = DrainOptions(pod_selector="a in (")
    view = story.finish(story.submit("node-1", options=options))
    assert view.end is OperationEnd.REFUSED
    assert "Nothing was started." in view.detail
