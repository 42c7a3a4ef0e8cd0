"""A whole life in one operation: drained, maintained, returned, and only then the next node."""

from typing import Any

import pytest

from jobs.durable import Store
from jobs.models import (
    DrainOptions,
    NodeStatus,
    NodeView,
    OperationEnd,
    Outcome,
    QuestionKind,
    QuestionView,
    Refused,
    Submitted,
)
from jobs.nodes import NodeRecord
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, EVE, NAME, policy_with, until
from tests.jobs.story import Story, web

WAIT = DrainOptions(then="wait")
ALL = ("node-1", "node-2", "node-3")


def ask(story: Story, *names: str, **options: Any) -> str:
    wanted = WAIT.model_copy(update=options)
    return story.submit(*(names or ("node-1", "node-2")), options=wanted, reason="new disks")


def record(story: Story, node: str = "node-1") -> NodeRecord:
    found = story.worker.resources.nodes.record(node)
    assert found is not None
    return found


def statuses(story: Story, operation: str) -> list[NodeStatus]:
    return [node.status for node in story.view(operation).nodes]


def owned(story: Story) -> list[str]:
    return sorted(story.worker.resources.nodes.owned())


def question(
    story: Story, operation: str, kind: QuestionKind, node: str = "node-1"
) -> QuestionView:
    """Wait for the open question of a kind about a node."""

    def look() -> QuestionView | None:
        asked = story.view(operation).open_questions
        return next((q for q in asked if (q.kind, q.node) == (kind, node)), None)

    return until(look, what=f"the question {kind} about {node}")


def maintained(story: Story, operation: str, node: str = "node-1") -> QuestionView:
    return question(story, operation, QuestionKind.MAINTENANCE, node)


def done(story: Story, operation: str, *names: str) -> None:
    """Say of nodes, one after the other, that their maintenance is done."""
    for name in names:
        story.decide(maintained(story, operation, name), choices.RETURN)


def status(story: Story, operation: str, wanted: NodeStatus, node: str = "node-1") -> NodeView:
    until(lambda: story.node(operation, node).status is wanted, what=f"{node} {wanted}")
    return story.node(operation, node)


def words(story: Story, operation: str) -> list[str]:
    return [entry.what for entry in story.view(operation).log]


def tend(story: Story, verb: str, node: str = "node-1") -> Submitted | Refused:
    act = story.service.maintain if verb == "maintenance" else story.service.return_node
    return act(ANA, NAME, node, channel="C01", dedup=f"d{next(story.calls)}")


def uncordon(story: Story, node: str = "node-1") -> None:
    story.cluster.patch("Node", "", node, {"spec": {"unschedulable": None}})


# -- the whole life ------------------------------------------------------------------------------


def test_the_next_node_begins_only_when_the_one_before_it_is_back(play: Play) -> None:
    story = play()
    web(story, 2, elsewhere=1)
    operation = ask(story)
    asked = maintained(story, operation)
    assert asked.choices == ("return", "keep_out", "abort")
    assert asked.stop_at == 0  # it never ends by itself
    assert asked.detail == "new disks"
    shown = story.node(operation)
    assert (shown.status, shown.pods_gone, shown.safe_to_power_off) == (
        NodeStatus.MAINTENANCE, 2, True,
    )  # fmt: skip
    assert shown.life is not None
    assert shown.life.since > 0
    assert (record(story).mode, record(story).by) == ("maintenance", ANA.id)
    assert (record(story).owner, record(story).tended) == (operation, operation)
    assert statuses(story, operation)[1] is NodeStatus.WAITING
    assert not story.cordoned("node-2")
    done(story, operation, "node-1", "node-2")
    view = story.finish(operation)
    assert (view.end, view.detail) == (OperationEnd.DRAINED, "")
    assert [node.status for node in view.nodes] == [NodeStatus.RETURNED] * 2
    first, second = view.nodes
    assert second.started_at >= first.ended_at
    for node in view.nodes:
        assert node.life is not None
        assert (node.life.mode, node.life.away > 0) == ("accepting", True)
        assert (node.cordon_kept, node.safe_to_power_off) == (False, False)
    assert not any(story.cordoned(name) for name in ALL)
    assert owned(story) == []
    told = [w for w in words(story, operation) if w not in {"evicted", "well"}]
    assert told == [
        *("cordoned", "drained", "maintenance_started", "returning", "returned") * 2, "ended",
    ]  # fmt: skip


def test_at_most_so_many_nodes_are_away_whatever_they_wait_for(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 2}))
    operation = ask(story, *ALL)
    maintained(story, operation, "node-1")
    maintained(story, operation, "node-2")
    assert not story.cordoned("node-3")
    story.cluster.set_node_ready("node-2", ready=False)
    done(story, operation, "node-2")
    status(story, operation, NodeStatus.RETURNING, "node-2")
    assert not story.cordoned("node-3")  # a node on its way back is away still
    story.cluster.set_node_ready("node-2", ready=True)
    maintained(story, operation, "node-3")
    done(story, operation, "node-3", "node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_who_asked_may_say_that_it_is_done_and_a_stranger_may_not(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1")
    asked = maintained(story, operation)
    assert story.decide(asked, choices.RETURN, by=EVE).outcome is Outcome.REFUSED
    assert story.decide(asked, choices.RETURN, by=ANA).outcome is Outcome.SETTLED
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_its_maintenance_is_overdue_by_the_end_that_was_expected(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1", expected=3600)
    maintained(story, operation)
    life = story.node(operation).life
    assert life is not None
    assert life.until - life.since == 3_600_000
    store = story.worker.store
    later = Store(store.redis, NAME, clock=lambda: store.now() + 3_601_000)
    until(lambda: later.sweep() and maintained(story, operation).reminded, what="the reminder")
    assert maintained(story, operation).reminded == ("remind",)
    assert record(story).mode == "maintenance"


def test_a_node_that_is_not_back_is_asked_about_before_the_next_one_begins(play: Play) -> None:
    story = play(policy=policy_with({"owners_well_within": "1s"}))
    operation = ask(story)
    maintained(story, operation)
    story.cluster.set_node_ready("node-1", ready=False)
    done(story, operation, "node-1")
    asked = question(story, operation, QuestionKind.NOT_BACK)
    assert asked.choices == ("retry", "go_on", "maintenance", "abort")
    assert not story.cordoned("node-2")
    first = maintained_before(story, operation)
    story.decide(asked, choices.MAINTENANCE)
    again = maintained(story, operation)
    assert again.thread_key != first.thread_key
    story.cluster.set_node_ready("node-1", ready=True)
    done(story, operation, "node-1", "node-2")
    assert story.finish(operation).end is OperationEnd.DRAINED


def maintained_before(story: Story, operation: str) -> QuestionView:
    kind = QuestionKind.MAINTENANCE
    return next(q for q in story.view(operation).questions if q.kind is kind)


def test_the_next_node_waits_until_the_workloads_of_the_one_before_are_well(play: Play) -> None:
    story = play(policy=policy_with({"owners_well_within": "1s"}))
    web(story, 1, elsewhere=1)
    operation = ask(story, "node-1", "node-3")
    maintained(story, operation)
    pod = story.pods_on("node-2")[0]
    story.cluster.set_ready("shop", pod, ready=False)
    done(story, operation, "node-1")
    asked = question(story, operation, QuestionKind.UNWELL)
    assert story.node(operation).status is NodeStatus.RETURNED
    assert not story.cordoned("node-1")
    assert not story.cordoned("node-3")
    story.cluster.set_ready("shop", pod, ready=True)  # the watcher sees that
    done(story, operation, "node-3")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[0].unwell == ()
    assert asked.id in {q.id for q in view.questions}


# -- left out, aborted, paused -------------------------------------------------------------------


def test_a_node_that_somebody_leaves_out_is_over_and_the_next_one_begins(play: Play) -> None:
    story = play()
    operation = ask(story)
    story.decide(maintained(story, operation), choices.KEEP_OUT)
    done(story, operation, "node-2")
    view = story.finish(operation)
    assert view.end is OperationEnd.PARTLY
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED, NodeStatus.RETURNED]
    assert view.nodes[0].detail == "left in maintenance by T01:U02BO"
    assert view.nodes[0].safe_to_power_off
    assert record(story).mode == "maintenance"
    assert owned(story) == ["node-1"]
    returned = tend(story, "return")
    assert isinstance(returned, Submitted)
    assert story.finish(returned.operation).end is OperationEnd.DRAINED
    assert owned(story) == []


def test_an_abort_leaves_the_node_in_maintenance_and_touches_no_other(play: Play) -> None:
    story = play()
    operation = ask(story)
    asked = maintained(story, operation)
    story.abort(operation)
    view = story.finish(operation)
    assert view.end is OperationEnd.ABORTED
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED, NodeStatus.ABORTED]
    assert view.nodes[0].detail == "aborted while it was in maintenance"
    assert story.decide(asked, choices.RETURN).outcome is Outcome.CLOSED
    assert (record(story).mode, story.cordoned()) == ("maintenance", True)
    assert owned(story) == ["node-1"]


def test_to_answer_with_abort_is_an_abort(play: Play) -> None:
    story = play()
    operation = ask(story)
    story.decide(maintained(story, operation), choices.ABORT, note="wrong rack")
    view = story.finish(operation)
    assert (view.end, view.aborted_reason) == (OperationEnd.ABORTED, "wrong rack")
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED, NodeStatus.ABORTED]


def test_an_abort_on_the_way_back_leaves_the_node_cordoned_and_it_can_return(play: Play) -> None:
    story = play()
    operation = ask(story, "node-1")
    maintained(story, operation)
    story.cluster.set_node_ready("node-1", ready=False)
    done(story, operation, "node-1")
    status(story, operation, NodeStatus.RETURNING)
    story.abort(operation)
    view = story.finish(operation)
    assert view.end is OperationEnd.ABORTED
    assert (view.nodes[0].status, view.nodes[0].safe_to_power_off) == (NodeStatus.ABORTED, False)
    assert story.cordoned()
    story.cluster.set_node_ready("node-1", ready=True)
    returned = tend(story, "return")
    assert isinstance(returned, Submitted)
    assert story.finish(returned.operation).end is OperationEnd.DRAINED


def test_an_abort_after_the_return_leaves_the_node_in_service(play: Play) -> None:
    story = play()
    web(story, 1, elsewhere=1)
    operation = ask(story, "node-1")
    maintained(story, operation)
    story.cluster.set_ready("shop", story.pods_on("node-2")[0], ready=False)
    done(story, operation, "node-1")
    status(story, operation, NodeStatus.RETURNED)
    story.abort(operation)
    view = story.finish(operation)
    assert view.nodes[0].status is NodeStatus.RETURNED
    assert not story.cordoned()


def test_a_pause_keeps_questions_alive_and_lets_no_other_node_begin(play: Play) -> None:
    story = play()
    operation = ask(story)
    asked = maintained(story, operation)
    story.pause(operation)
    assert story.decide(asked, choices.RETURN).outcome is Outcome.SETTLED
    status(story, operation, NodeStatus.RETURNED)
    until(lambda: story.node(operation).ended_at, what="the end of the node's part")
    assert not story.cordoned("node-2")
    story.resume(operation)
    done(story, operation, "node-2")
    assert story.finish(operation).end is OperationEnd.DRAINED


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


def unwell(story: Story) -> tuple[str, str]:
    """A node that is drained, and whose workloads are not well: its maintenance has not begun."""
    web(story, 1, elsewhere=1)
    pod = story.pods_on("node-2")[0]
    operation = ask(story, "node-1", "node-3")
    until(story.evictions, what="an eviction")
    story.cluster.set_ready("shop", pod, ready=False)
    question(story, operation, QuestionKind.UNWELL)
    return operation, pod


IMPATIENT = {"owners_well_within": "1s"}


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


# -- with canaries and failures ------------------------------------------------------------------


def test_a_canary_is_proven_only_when_it_is_back(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 3}))
    operation = ask(story, *ALL, canary=1)
    maintained(story, operation)
    assert not story.cordoned("node-2")
    done(story, operation, "node-1", "node-2", "node-3")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert min(node.started_at for node in view.nodes[1:]) >= view.nodes[0].ended_at


def test_a_canary_soaks_after_its_return(play: Play) -> None:
    story = play()
    operation = ask(story, canary=1, soak=3600)
    assert story.view(operation).soaking_until == 0
    done(story, operation, "node-1")
    until(lambda: story.view(operation).soaking_until, what="the soak")
    assert statuses(story, operation) == [NodeStatus.RETURNED, NodeStatus.WAITING]


def test_a_canary_that_was_left_out_is_asked_about(play: Play) -> None:
    story = play()
    operation = ask(story, canary=1)
    story.decide(maintained(story, operation), choices.KEEP_OUT)
    asked = question(story, operation, QuestionKind.CANARY, node="")
    assert asked.detail == "node-1: left in maintenance by T01:U02BO"
    story.decide(asked, choices.GO_ON)
    done(story, operation, "node-2")
    assert story.finish(operation).end is OperationEnd.PARTLY


def test_nodes_under_way_live_their_whole_life_when_others_have_failed(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 2}))
    mark = {"metadata": {"annotations": {"drainbot.dev/operation": "other-abc123"}}}
    story.cluster.patch("Node", "", "node-2", mark)
    operation = ask(story, *ALL, max_failures=0)
    status(story, operation, NodeStatus.FAILED, "node-2")
    done(story, operation, "node-1")
    view = story.finish(operation)
    assert view.end is OperationEnd.PARTLY
    assert [node.status for node in view.nodes] == [
        NodeStatus.RETURNED, NodeStatus.FAILED, NodeStatus.STOPPED,
    ]  # fmt: skip
    assert not story.cordoned("node-3")


def test_workloads_that_nobody_answers_for_stop_the_operation_before_any_maintenance(
    play: Play,
) -> None:
    questions = {"stop_after": "2s", "remind": "1s"}
    story = play(policy=policy_with(IMPATIENT, questions=questions))
    operation, _ = unwell(story)
    view = story.finish(operation)
    assert view.end is OperationEnd.STOPPED
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED, NodeStatus.STOPPED]
    assert record(story).mode == "drained"
