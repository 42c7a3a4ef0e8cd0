"""A node's drain ends when the workloads that it took pods of are as ready as before."""

from typing import Any

import pytest

from jobs.activities import waiting
from jobs.models import NodeStatus, OperationEnd, QuestionKind, QuestionView
from jobs.policy import Policy
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story


def soon(**defaults: Any) -> Policy:
    """A policy that asks about workloads that are not well at once."""
    return policy_with({"owners_well_within": "300ms", **defaults})


def drained(story: Story, operation: str) -> None:
    """Wait until the node is shown as drained."""
    until(lambda: story.node(operation).status is NodeStatus.DRAINED, what="a drained node")


def moving(story: Story) -> None:
    """Put a pod on node-1, and another one of its workload on node-2."""
    story.cluster.add_workload(
        "Deployment", "shop", "web", replicas=2, on=["node-1", "node-2"]
    )  # fmt: skip


def homeless(story: Story) -> None:
    """The same, and no node has room for what leaves node-1."""
    moving(story)
    for name in ("node-2", "node-3"):
        story.cluster.patch("Node", "", name, {"spec": {"unschedulable": True}})


def shelter(story: Story) -> None:
    """End what :func:`homeless` began."""
    for name in ("node-2", "node-3"):
        story.cluster.patch("Node", "", name, {"spec": {"unschedulable": None}})


def unwell(story: Story, operation: str) -> QuestionView:
    asked = story.question(operation)
    assert asked.kind is QuestionKind.UNWELL, asked
    return asked


def test_a_node_is_safe_at_once_and_the_next_one_waits_for_the_workloads(play: Play) -> None:
    story = play()
    moving(story)
    story.cluster.switch(scheduler=False)
    operation = story.submit("node-1", "node-2")
    until(lambda: story.node(operation).unwell, what="a workload that is not well")
    node = story.node(operation)
    assert (node.status, node.safe_to_power_off) == (NodeStatus.DRAINED, True)
    assert node.unwell == ("shop/web 1 of 2 ready",)
    assert story.node(operation, "node-2").status is NodeStatus.WAITING
    assert not story.cordoned("node-2")
    story.cluster.switch(scheduler=True)
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert [node.unwell for node in view.nodes] == [(), ()]


def test_it_holds_no_slot_and_is_woken_when_they_are_well(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "REST_AFTER", 100)
    story = play()
    homeless(story)
    operation = story.submit("node-1")
    drained(story, operation)
    until(lambda: bool(story.node(operation).unwell), what="what is not well")
    until(lambda: story.suspended(operation), what="a slot that is free")
    assert story.node(operation).unwell == ("shop/web 1 of 2 ready",)
    shelter(story)
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())


def test_a_replacement_that_can_not_be_scheduled_is_named_with_the_schedulers_reason(
    play: Play,
) -> None:
    story = play(policy=soon())
    homeless(story)
    operation = story.submit("node-1")
    asked = unwell(story, operation)
    (told,) = asked.unwell
    assert (told.owner.kind, told.owner.name, told.owner.ready) == ("Deployment", "web", 1)
    assert (told.ready_before, told.needed) == (2, 2)
    (pod,) = told.pods
    assert "0/3 nodes are available" in pod.why
    assert pod.since
    assert asked.choices == ("go_on", "wait", "abort")
    assert story.node(operation).status is NodeStatus.DRAINED
    shelter(story)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert [q.closed_because for q in view.questions] == ["no_longer_needed"]
    assert view.nodes[0].unwell == ()


def test_a_workload_that_is_scaled_to_nothing_meanwhile_is_not_waited_for(play: Play) -> None:
    story = play(policy=soon())
    homeless(story)
    operation = story.submit("node-1")
    unwell(story, operation)
    story.cluster.scale("shop", "web", 0)
    view = story.finish(operation)
    assert (view.end, view.questions[0].closed_because) == (
        OperationEnd.DRAINED, "no_longer_needed",
    )  # fmt: skip


def test_go_on_counts_as_well(play: Play) -> None:
    story = play(policy=soon())
    homeless(story)
    operation = story.submit("node-1", "node-3")
    asked = unwell(story, operation)
    story.decide(asked, "go_on")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[0].unwell == ("shop/web 1 of 2 ready",)  # it was not, and that is said
    assert [entry.what for entry in view.log].count("unwell_anyway") == 1


@pytest.mark.parametrize("asked", [False, True])
def test_an_abort_leaves_the_node_drained(play: Play, *, asked: bool) -> None:
    story = play(policy=soon() if asked else None)
    homeless(story)
    operation = story.submit("node-1", "node-2")
    if asked:
        story.decide(unwell(story, operation), "abort")
    else:
        until(lambda: story.node(operation).unwell, what="a workload that is not well")
        story.abort(operation)
    view = story.finish(operation)
    assert view.end is OperationEnd.ABORTED
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED, NodeStatus.ABORTED]
    assert view.nodes[0].safe_to_power_off
    assert story.cordoned()
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert (record.mode, record.owner) == ("drained", operation)


def test_while_it_is_paused_it_waits_on_and_no_other_node_begins(play: Play) -> None:
    story = play()
    moving(story)
    story.cluster.switch(scheduler=False)
    operation = story.submit("node-1", "node-3")
    until(lambda: story.node(operation).unwell, what="a workload that is not well")
    story.pause(operation)
    story.cluster.switch(scheduler=True)
    until(lambda: story.node(operation).ended_at, what="the end of the first node")
    assert story.node(operation, "node-3").status is NodeStatus.WAITING
    story.resume(operation)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_where_nobody_answers_no_other_node_begins_and_this_one_stays_drained(play: Play) -> None:
    story = play(
        policy=policy_with(
            {"owners_well_within": "300ms"}, questions={"stop_after": "1s", "remind": "300ms"}
        )
    )
    homeless(story)
    operation = story.submit("node-1", "node-3")
    unwell(story, operation)
    view = story.finish(operation)
    assert view.end is OperationEnd.STOPPED
    assert [node.status for node in view.nodes] == [NodeStatus.DRAINED, NodeStatus.STOPPED]
    assert view.nodes[0].safe_to_power_off
    patched = {entry.name for entry in story.requests("nodes", carried_out=True)}
    assert patched == {"node-1"}


def test_what_has_no_replicas_to_count_is_not_waited_for(play: Play) -> None:
    story = play()
    story.cluster.switch(scheduler=False)
    story.cluster.add_workload("Job", "batch", "sum", replicas=1, on=["node-1"])
    story.cluster.add_workload("DaemonSet", "kube-system", "agent")
    operation = story.submit("node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_without_the_right_to_see_it_people_are_asked_and_retry_looks_again(play: Play) -> None:
    story = play()
    moving(story)
    story.cluster.switch(scheduler=False)
    operation = story.submit("node-1")
    until(lambda: story.node(operation).unwell, what="a workload that is not well")
    forbidden = {"kind": "Status", "message": "replicasets is forbidden", "reason": "Forbidden"}
    story.cluster.answer_next(403, method="GET", path="/replicasets/", body=forbidden, times=1)
    asked = unwell(story, operation)
    assert (asked.unwell, asked.choices[0]) == ((), "retry")
    assert "replicasets is forbidden" in asked.detail
    story.cluster.switch(scheduler=True)
    story.decide(asked, "retry")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_each_workload_is_looked_at_once_where_all_is_well(play: Play) -> None:
    story = play()
    story.cluster.set_timing(stop_s=1.5)  # the replacement is ready before the pod has left
    moving(story)
    operation = story.submit("node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert story.cluster.counters()["get replicasets"] == 3  # the plan, the baseline, the end
