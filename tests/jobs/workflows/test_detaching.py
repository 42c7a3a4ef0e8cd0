"""A node counts as drained only when the volumes of what left it are detached."""

from typing import Any

import pytest

from jobs.activities import waiting
from jobs.models import DrainOptions, NodeStatus, OperationEnd, QuestionKind, QuestionView
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, web

SLOW = policy_with({"ask_after": "1h"})


def attached(story: Story, volume: str = "pv-data") -> None:
    """Attach a volume to node-1 that no controller detaches."""
    story.cluster.add_attachment(f"csi-{volume}", node="node-1", volume=volume)


def detach(story: Story, volume: str = "pv-data") -> None:
    story.cluster.delete("VolumeAttachment", "", f"csi-{volume}")


def waits(story: Story, operation: str) -> None:
    """Wait until the node waits for volumes."""
    until(lambda: story.node(operation).volumes, what="a node that waits for its volumes")


def asked(story: Story, operation: str) -> QuestionView:
    question = story.question(operation)
    assert question.kind is QuestionKind.VOLUMES, question
    return question


def mode(story: Story) -> str:
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    return record.mode


def test_the_volume_of_a_pod_that_moves_is_waited_for(play: Play) -> None:
    story = play(policy=SLOW)
    story.cluster.set_timing(attach_s=0.5)
    story.cluster.add_workload(
        "StatefulSet", "payments", "db", replicas=1, on=["node-1"], claims=["data"]
    )
    story.cluster.wait_for(lambda view: view.list("VolumeAttachment"))
    operation = story.submit("node-1")
    waits(story, operation)
    node = story.node(operation)
    assert (node.status, node.safe_to_power_off, node.volumes) == (
        NodeStatus.DRAINING, False, ("pv-data",),
    )  # fmt: skip
    assert (node.pods_gone, node.pods_total) == (1, 1)
    assert mode(story) == "draining"  # no fence is confirmed, and nobody told, before
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert (view.nodes[0].volumes, view.nodes[0].volumes_detached) == ((), True)
    on = [each["spec"]["nodeName"] for each in story.cluster.list("VolumeAttachment")]
    assert "node-1" not in on


def test_volumes_of_pods_that_stay_are_not_waited_for(play: Play) -> None:
    story = play(policy=SLOW)
    story.cluster.add_workload("DaemonSet", "kube-system", "agent", on=["node-1"], claims=["spool"])
    web(story, 1)
    story.cluster.wait_for(lambda view: view.list("VolumeAttachment"))
    view = story.finish(story.submit("node-1"))
    assert (view.end, view.nodes[0].volumes_detached) == (OperationEnd.DRAINED, True)
    on = [each["spec"]["nodeName"] for each in story.cluster.list("VolumeAttachment")]
    assert "node-1" in on


def test_it_holds_no_slot_is_woken_when_they_are_detached_and_asks_only_for_its_own(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "REST_AFTER", 100)
    story = play(policy=SLOW)
    attached(story)
    story.cluster.add_attachment("csi-other", node="node-2", volume="pv-other")
    operation = story.submit("node-1")
    until(lambda: story.suspended(operation), what="a slot that is free")
    assert story.node(operation).volumes == ("pv-data",)
    detach(story)
    assert story.finish(operation).end is OperationEnd.DRAINED
    counts = story.cluster.counters()
    assert counts["list volumeattachments"] <= 3  # one for each time that it took up its work


def test_volumes_that_stay_attached_are_asked_about_and_the_question_closes_by_itself(
    play: Play,
) -> None:
    story = play()
    attached(story)
    attached(story, "pv-logs")
    operation = story.submit("node-1")
    question = asked(story, operation)
    assert question.volumes == ("pv-data", "pv-logs")
    assert question.choices == ("go_on", "wait", "skip", "abort")
    assert story.node(operation).status is NodeStatus.BLOCKED
    detach(story)
    detach(story, "pv-logs")
    view = story.finish(operation)
    assert (view.end, view.questions[0].closed_because) == (
        OperationEnd.DRAINED, "no_longer_needed",
    )  # fmt: skip
    assert view.nodes[0].volumes_detached


def test_go_on_drains_it_though_volumes_are_attached_and_nobody_is_told_they_are_not(
    play: Play,
) -> None:
    story = play()
    attached(story)
    operation = story.submit("node-1")
    story.decide(asked(story, operation), "go_on")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].status) == (OperationEnd.DRAINED, NodeStatus.DRAINED)
    assert not view.nodes[0].safe_to_power_off
    assert (view.nodes[0].volumes, view.nodes[0].volumes_detached) == (("pv-data",), False)
    assert [e.fields["volumes"] for e in view.log if e.what == "attached_anyway"] == ["pv-data"]


@pytest.mark.parametrize(
    ("choice", "status"), [("skip", NodeStatus.SKIPPED), ("abort", NodeStatus.ABORTED)]
)
def test_skip_and_abort_leave_a_node_that_is_not_drained(
    play: Play, choice: str, status: NodeStatus
) -> None:
    story = play()
    web(story, 1)
    attached(story)
    operation = story.submit("node-1")
    story.decide(asked(story, operation), choice)
    view = story.finish(operation)
    assert (view.nodes[0].status, view.nodes[0].safe_to_power_off) == (status, False)
    assert story.cordoned()  # a pod was evicted
    assert mode(story) == "draining"


def test_no_wait_volumes_looks_at_none(play: Play) -> None:
    story = play()
    attached(story)
    operation = story.submit("node-1", options=DrainOptions(no_wait_volumes=True))
    view = story.finish(operation)
    assert (view.end, view.nodes[0].volumes_detached) == (OperationEnd.DRAINED, False)
    assert "list volumeattachments" not in story.cluster.counters()


def test_a_node_that_disappears_while_its_volumes_are_attached_is_gone(play: Play) -> None:
    story = play(policy=SLOW)
    attached(story)
    operation = story.submit("node-1")
    waits(story, operation)
    story.cluster.delete("Node", "", "node-1")
    view = story.finish(operation)
    assert view.nodes[0].status is NodeStatus.GONE


def test_without_the_right_to_see_them_people_are_asked(play: Play) -> None:
    story = play()
    forbidden: Any = {"message": 'cannot list resource "volumeattachments"', "reason": "Forbidden"}
    story.cluster.answer_next(403, path="/volumeattachments", body=forbidden)
    operation = story.submit("node-1")
    question = asked(story, operation)
    assert (question.volumes, question.choices[0]) == ((), "retry")
    assert "volumeattachments" in question.detail
    story.decide(question, "retry")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_an_uncordon_meanwhile_is_seen_before_anybody_is_told_that_it_is_drained(
    play: Play,
) -> None:
    story = play(policy=SLOW)
    attached(story)
    operation = story.submit("node-1")
    waits(story, operation)
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})
    detach(story)
    assert story.question(operation).kind is QuestionKind.UNCORDONED


def test_of_a_node_that_is_not_ready_people_may_say_that_it_is_dead(play: Play) -> None:
    story = play()
    story.cluster.add_workload(
        "StatefulSet", "payments", "db", replicas=1, on=["node-1"], grace=0, claims=["data"]
    )
    story.cluster.wait_for(lambda view: view.list("VolumeAttachment"))
    story.cluster.set_node_ready("node-1", ready=False)
    operation = story.submit("node-1")
    question = asked(story, operation)
    assert question.choices == ("go_on", "wait", "node_is_dead", "skip", "abort")
    story.decide(question, "node_is_dead")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].volumes_detached) == (OperationEnd.DRAINED, True)
