"""A node that is NotReady: its pods can't end, until a person attests that it is dead."""

from typing import Any

import pytest

from jobs.models import NodeStatus, OperationEnd, Outcome, QuestionKind, QuestionView
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, EVE, NAME, policy_with, until
from tests.jobs.story import Story

IMPATIENT = policy_with({"terminating_slack": "300ms"})
TAINT = "node.kubernetes.io/out-of-service"


def silent(story: Story) -> QuestionView:
    """Let node-1 fall silent with a pod on it that has a volume, drain it, and be asked."""
    story.cluster.add_workload(
        "StatefulSet", "payments", "db", replicas=1, on=["node-1"], grace=1, claims=["data"]
    )
    story.cluster.wait_for(lambda view: view.list("VolumeAttachment"))
    story.cluster.set_node_ready("node-1", ready=False)
    operation = story.submit("node-1")
    question = story.question(operation)
    assert question.kind is QuestionKind.WONT_STOP, question
    return question


def node(story: Story) -> Any:
    found = story.cluster.get("Node", "", "node-1")
    assert found is not None
    return found


def taints(story: Story) -> list[str]:
    return [taint["key"] for taint in node(story)["spec"].get("taints", ())]


def test_who_attests_that_it_is_dead_lets_its_pods_and_volumes_go(play: Play) -> None:
    story = play(policy=IMPATIENT)
    asked = silent(story)
    assert asked.choices == ("wait", "force", "node_is_dead", "skip", "abort")
    assert not asked.wont_stop[0].node_ready
    story.decide(asked, "node_is_dead")
    view = story.finish(asked.operation)
    assert (view.end, len(view.questions)) == (OperationEnd.DRAINED, 1)
    assert view.nodes[0].volumes_detached
    assert TAINT in taints(story)
    assert node(story)["metadata"]["annotations"]["drainbot.dev/out-of-service"] == "true"
    (said,) = [entry for entry in view.log if entry.what == "node_is_dead"]
    assert said.fields["by"] == "T01:U02BO"


def test_it_goes_when_the_node_is_given_back_and_other_taints_stay(play: Play) -> None:
    story = play(policy=IMPATIENT)
    asked = silent(story)
    story.decide(asked, "node_is_dead")
    story.finish(asked.operation)
    other = {"key": "example.com/gpu", "value": "yes", "effect": "NoSchedule"}
    spec = node(story)["spec"]
    story.cluster.patch("Node", "", "node-1", {"spec": {"taints": [*spec["taints"], other]}})
    story.cluster.set_node_ready("node-1", ready=True)
    assert story.give_back("node-1").end is OperationEnd.DRAINED
    assert TAINT not in taints(story)
    assert other in node(story)["spec"]["taints"]
    assert "drainbot.dev/out-of-service" not in node(story)["metadata"].get("annotations", {})


def test_a_taint_that_somebody_else_had_set_stays(play: Play) -> None:
    story = play(policy=IMPATIENT)
    theirs = {"key": TAINT, "value": "nodeshutdown", "effect": "NoSchedule"}
    story.cluster.patch("Node", "", "node-1", {"spec": {"taints": [theirs]}})
    operation = story.submit("node-1")
    story.finish(operation)
    story.give_back("node-1")
    # The cordon's own taint goes a moment after the cordon.
    until(lambda: taints(story) == [TAINT], what="the taint that was there before, alone")


def test_a_node_that_came_back_meanwhile_is_not_marked(play: Play) -> None:
    story = play(policy=IMPATIENT)
    asked = silent(story)
    story.cluster.switch(kubelet=False)
    story.cluster.set_node_ready("node-1", ready=True)
    story.decide(asked, "node_is_dead")
    again = story.question(asked.operation, after=[asked])
    assert TAINT not in taints(story)
    assert "node_is_dead" not in again.choices
    assert [e.what for e in story.view(asked.operation).log].count("not_dead") == 1
    story.cluster.switch(kubelet=True)
    assert story.finish(asked.operation).end is OperationEnd.DRAINED


@pytest.mark.parametrize("how", ["freeze", "pause"])
def test_a_node_is_not_marked_while_evictions_are_held_back(play: Play, how: str) -> None:
    story = play(policy=IMPATIENT)
    asked = silent(story)
    if how == "freeze":
        story.service.freeze(ANA, NAME, "deploy", nonce="f1")
    else:
        story.pause(asked.operation)
    story.decide(asked, "node_is_dead")
    until(lambda: story.suspended(asked.operation), what="a slot that is free")
    assert TAINT not in taints(story)
    if how == "freeze":
        story.service.thaw(ANA, NAME, nonce="t1")
    else:
        story.resume(asked.operation)
    until(lambda: TAINT in taints(story), what="the mark")


def test_only_who_may_force_may_attest_it(play: Play) -> None:
    story = play(policy=IMPATIENT)
    asked = silent(story)
    assert story.decide(asked, "node_is_dead", by=EVE).outcome is Outcome.REFUSED
    assert TAINT not in taints(story)


def test_of_a_node_that_is_ready_nobody_is_asked_whether_it_is_dead(play: Play) -> None:
    story = play(policy=IMPATIENT)
    story.cluster.add_workload(
        "Deployment", "shop", "web", replicas=2, on=["node-1", "node-2"], grace=0,
        finalizers=["example.com/hold"],
    )  # fmt: skip
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.WONT_STOP
    assert "node_is_dead" not in asked.choices
    until(lambda: story.node(operation).status is NodeStatus.BLOCKED, what="a blocked node")
