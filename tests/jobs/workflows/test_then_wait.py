"""A whole life in one operation: drained, maintained, returned, and only then the next node."""

from jobs.durable import Store
from jobs.models import (
    NodeStatus,
    OperationEnd,
    Outcome,
    QuestionKind,
    QuestionView,
    Submitted,
)
from jobs.workflows import choices
from sandbox.cluster import nodes
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, EVE, NAME, policy_with, until
from tests.jobs.story import Story, web
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
    unwell,
    words,
)


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


def test_a_node_that_is_drained_in_a_pause_begins_its_maintenance_before_another_has_its_turn(
    play: Play,
) -> None:
    names = ("node-1", "node-2", "node-3", "node-4")
    story = play(nodes(*names), policy=policy_with({"nodes_away": 2, **IMPATIENT}))
    on = ["node-2", "node-4"]
    story.cluster.add_workload("Deployment", "shop", "web", replicas=2, on=on)
    operation = ask(story, *ALL)
    maintained(story, operation, "node-1")
    until(story.evictions, what="an eviction")
    pod = story.pods_on("node-4")[0]
    story.cluster.set_ready("shop", pod, ready=False)
    question(story, operation, QuestionKind.UNWELL, "node-2")
    story.pause(operation)
    done(story, operation, "node-1")  # now it is node-3's turn, which waits for the resume
    status(story, operation, NodeStatus.RETURNED)
    until(lambda: story.node(operation).ended_at, what="the end of its part")
    story.cluster.set_ready("shop", pod, ready=True)
    maintained(story, operation, "node-2")
    assert not story.cordoned("node-3")
    story.resume(operation)
    done(story, operation, "node-2", "node-3")
    assert story.finish(operation).end is OperationEnd.DRAINED


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
