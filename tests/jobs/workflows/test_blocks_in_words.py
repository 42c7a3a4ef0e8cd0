"""What people are told of a block: which pods it waits for, who else holds it, what would help."""

from jobs.models import Block, OperationEnd, QuestionKind, Verdict
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, counted, hold, let_go


def cordon(story: Story, *names: str) -> None:
    for name in names:
        story.cluster.patch("Node", "", name, {"spec": {"unschedulable": True}})


def asked_block(story: Story, operation: str) -> Block:
    asked = story.question(operation)
    assert asked.kind is QuestionKind.BLOCK
    (block,) = asked.blocks
    return block


def test_a_pod_elsewhere_that_is_not_ready_is_named_with_its_time(play: Play) -> None:
    story = play()
    hold(story)
    operation = story.submit("node-1")
    block = asked_block(story, operation)
    assert block.verdict is Verdict.MAY_PASS
    (waited,) = block.not_ready
    assert waited.pod == "payments/db-1"  # it is on another node
    assert waited.since > 0
    let_go(story)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_replacement_that_can_not_be_scheduled_is_named_with_the_schedulers_reason(
    play: Play,
) -> None:
    story = play()
    cordon(story, "node-2", "node-3")
    story.cluster.add_workload("Deployment", "shop", "web", replicas=2, on=["node-1", "node-1"])
    story.cluster.add_budget("shop", "web", min_available=1, match_labels={"app": "web"})
    counted(story, "shop", "web", 2)
    operation = story.submit("node-1")
    block = asked_block(story, operation)
    assert block.verdict is Verdict.MAY_PASS
    (waited,) = block.not_ready
    assert waited.why.startswith("0/3 nodes are available")
    story.cluster.patch("Node", "", "node-2", {"spec": {"unschedulable": None}})
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_another_operation_that_evicted_under_the_budget_is_named(play: Play) -> None:
    story = play()
    cordon(story, "node-2", "node-3")
    names = ["node-1", "node-2", "node-3"]
    story.cluster.add_workload("Deployment", "shop", "web", replicas=3, on=names)
    story.cluster.add_budget("shop", "web", min_available=2, match_labels={"app": "web"})
    counted(story, "shop", "web", 3)
    first = story.submit("node-1")
    until(story.evictions, what="the eviction that takes what the budget had to give")
    second = story.submit("node-2")
    block = asked_block(story, second)
    (holder,) = block.held_by
    assert holder.operation == first
    assert holder.at >= story.view(first).created_at
    for operation in (first, second):
        story.abort(operation)
        story.finish(operation)


def test_our_own_evictions_are_no_other_operations(play: Play) -> None:
    story = play()
    cordon(story, "node-2", "node-3")
    story.cluster.add_workload("Deployment", "shop", "web", replicas=2, on=["node-1", "node-1"])
    story.cluster.add_budget("shop", "web", min_available=1, match_labels={"app": "web"})
    counted(story, "shop", "web", 2)
    operation = story.submit("node-1")
    assert asked_block(story, operation).held_by == ()
    story.abort(operation)
    story.finish(operation)


def test_a_budget_that_the_cluster_can_not_work_out_is_asked_about_at_once(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    # A share of what nobody knows: Jobs have no scale.
    story.cluster.add_workload("Job", "shop", "queue", replicas=1, on=["node-1"])
    story.cluster.add_budget("shop", "queue", min_available="50%", match_labels={"app": "queue"})
    until(lambda: failed_sync(story, "shop", "queue"), what="the controller's complaint")
    operation = story.submit("node-1")
    block = asked_block(story, operation)
    assert (block.kind, block.verdict) == ("budget_broken", Verdict.NEVER)
    assert "found no controllers for pod" in block.message
    assert "a number as minAvailable would" in block.help
    story.abort(operation)
    story.finish(operation)


def failed_sync(story: Story, namespace: str, name: str) -> bool:
    budget = story.cluster.get("PodDisruptionBudget", namespace, name)
    conditions = (budget or {}).get("status", {}).get("conditions", ())
    return any(condition["reason"] == "SyncFailed" for condition in conditions)
