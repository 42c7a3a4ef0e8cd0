"""Operations whose first nodes go alone, and those that give up after too many failures."""

import pytest

from jobs.activities import empty
from jobs.durable import Store
from jobs.models import (
    DrainOptions,
    NodeStatus,
    OperationEnd,
    Outcome,
    QuestionKind,
    QuestionView,
)
from tests.jobs.conftest import Play
from tests.jobs.harness import NAME, policy_with, until
from tests.jobs.story import Story, block, hold

ALL = ("node-1", "node-2", "node-3")
LONG = DrainOptions(canary=1, soak=3600)
HOUR = 3_600_000  # ms


def statuses(story: Story, operation: str) -> list[NodeStatus]:
    return [node.status for node in story.view(operation).nodes]


def owned(story: Story) -> list[str]:
    return sorted(story.worker.resources.nodes.owned())


def soaking(story: Story, operation: str) -> int:
    return until(lambda: story.view(operation).soaking_until, what="the soak")


def an_hour_later(story: Story) -> None:
    """Let the timers fire that are due in an hour."""
    store = story.worker.store
    Store(story.worker.redis, NAME, clock=lambda: store.now() + HOUR).sweep()


def ready_of(story: Story) -> list[int]:
    return [one["status"].get("readyReplicas", 0) for one in story.cluster.list("ReplicaSet")]


def spoiled(story: Story, options: DrainOptions) -> tuple[str, QuestionView]:
    """An operation whose canary was skipped, and what it asks then."""
    block(story)  # its other pod is on node-2, which stays out of this
    operation = story.submit("node-1", "node-3", options=options)
    asked = story.question(operation)
    story.decide(asked, "skip")
    return operation, story.question(operation, after=[asked])


def marked(story: Story, name: str) -> None:
    """Make a node fail: another operation's mark is on it."""
    mark = {"metadata": {"annotations": {"drainbot.dev/operation": "other-abc123"}}}
    story.cluster.patch("Node", "", name, mark)


# -- canaries ------------------------------------------------------------------------------------


def test_the_others_wait_until_the_canary_has_soaked(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 3}))
    operation = story.submit(*ALL, options=LONG)
    asked_at = story.view(operation).created_at
    assert soaking(story, operation) >= asked_at + HOUR
    assert statuses(story, operation) == [
        NodeStatus.DRAINED, NodeStatus.WAITING, NodeStatus.WAITING,
    ]  # fmt: skip
    assert [story.cordoned(name) for name in ALL] == [True, False, False]
    assert owned(story) == sorted(ALL)  # they stay reserved
    assert "soaking" in {entry.what for entry in story.view(operation).log}
    story.abort(operation, "enough seen")
    view = story.finish(operation)
    assert (view.end, view.soaking_until) == (OperationEnd.ABORTED, 0)
    assert statuses(story, operation) == [
        NodeStatus.DRAINED, NodeStatus.ABORTED, NodeStatus.ABORTED,
    ]  # fmt: skip
    assert owned(story) == ["node-1"]


def test_after_the_soak_the_others_follow(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 2}))
    operation = story.submit(*ALL, options=LONG)
    soaking(story, operation)
    an_hour_later(story)
    view = story.finish(operation)
    assert (view.end, view.questions, view.soaking_until) == (OperationEnd.DRAINED, (), 0)


def test_a_canary_whose_workload_falls_ill_in_the_soak_is_asked_about(play: Play) -> None:
    story = play()
    story.cluster.add_workload("Deployment", "shop", "web", replicas=2, on=["node-1", "node-3"])
    operation = story.submit("node-1", "node-2", options=LONG)
    soaking(story, operation)
    name = story.pods_on("node-3")[0]
    story.cluster.set_ready("shop", name, ready=False)
    until(lambda: ready_of(story) == [1], what="the count of the ready ones")
    an_hour_later(story)
    asked = story.question(operation)
    assert asked.kind is QuestionKind.CANARY
    (unwell,) = asked.unwell
    assert (str(unwell.owner.name), unwell.owner.ready, unwell.ready_before) == ("web", 1, 2)
    assert [pod.pod for pod in unwell.pods] == [f"shop/{name}"]
    assert not story.cordoned("node-2")
    story.cluster.set_ready("shop", name, ready=True)
    story.decide(asked, "go_on")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_without_a_soak_the_others_follow_the_canaries_at_once(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 3}))
    view = story.finish(story.submit(*ALL, options=DrainOptions(canary=2)))
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[2].started_at >= max(node.ended_at for node in view.nodes[:2])


def test_canaries_that_are_all_the_nodes_do_not_soak(play: Play) -> None:
    story = play()
    options = DrainOptions(canary=2, soak=3600)
    assert story.finish(story.submit("node-1", "node-2", options=options)).end is (
        OperationEnd.DRAINED
    )


def test_a_pause_in_the_soak_lets_no_node_begin_after_it(play: Play) -> None:
    story = play()
    operation = story.submit("node-1", "node-2", options=LONG)
    soaking(story, operation)
    story.pause(operation)
    an_hour_later(story)
    until(lambda: not story.view(operation).soaking_until, what="the end of the soak")
    assert not story.cordoned("node-2")
    story.resume(operation)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_canary_that_was_not_drained_is_asked_about_by_name(play: Play) -> None:
    story = play()
    operation, asked = spoiled(story, LONG)
    assert (asked.kind, asked.choices) == (QuestionKind.CANARY, ("go_on", "abort"))
    assert asked.detail == "node-1: skipped by T01:U02BO"
    assert asked.node == ""
    assert not story.cordoned("node-3")
    assert story.decide(asked, "go_on").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert view.end is OperationEnd.PARTLY
    assert statuses(story, operation) == [NodeStatus.SKIPPED, NodeStatus.DRAINED]


def test_an_abort_after_the_canary_leaves_the_others_untouched(play: Play) -> None:
    story = play()
    operation, asked = spoiled(story, LONG)
    story.decide(asked, "abort", note="not today")
    view = story.finish(operation)
    assert (view.end, view.aborted_by, view.aborted_reason) == (
        OperationEnd.ABORTED, "T01:U02BO", "not today",
    )  # fmt: skip
    assert statuses(story, operation) == [NodeStatus.SKIPPED, NodeStatus.ABORTED]
    assert owned(story) == []
    assert not any(story.cordoned(name) for name in ALL)


def test_a_canary_that_nobody_decides_about_stops_the_operation(play: Play) -> None:
    story = play(policy=policy_with(questions={"stop_after": "2s", "remind": "1s"}))
    operation, asked = spoiled(story, LONG)
    view = story.finish(operation)
    assert view.end is OperationEnd.STOPPED
    assert statuses(story, operation) == [NodeStatus.SKIPPED, NodeStatus.STOPPED]
    assert story.decide(asked, "go_on").outcome is Outcome.CLOSED


# -- failures ------------------------------------------------------------------------------------


def test_after_too_many_failures_no_other_node_begins(play: Play) -> None:
    story = play()
    marked(story, "node-2")
    operation = story.submit(*ALL, options=DrainOptions(max_failures=0))
    view = story.finish(operation)
    words = "node-2 failed: no other node begins, as --max-failures=0 says"
    assert (view.end, view.detail) == (OperationEnd.PARTLY, words)
    assert statuses(story, operation) == [
        NodeStatus.DRAINED, NodeStatus.FAILED, NodeStatus.STOPPED,
    ]  # fmt: skip
    assert view.nodes[2].detail == words
    assert not story.cordoned("node-3")
    assert owned(story) == ["node-1"]


def test_nodes_under_way_finish_when_others_have_failed(play: Play) -> None:
    story = play(policy=policy_with({"nodes_away": 2}))
    hold(story)
    marked(story, "node-2")
    operation = story.submit(*ALL, options=DrainOptions(max_failures=0))
    until(lambda: statuses(story, operation)[1] is NodeStatus.FAILED, what="the failure")
    asked = story.question(operation)
    assert (asked.node, story.view(operation).end) == ("node-1", None)
    story.decide(asked, "force")
    view = story.finish(operation)
    assert view.end is OperationEnd.PARTLY
    assert statuses(story, operation) == [
        NodeStatus.DRAINED, NodeStatus.FAILED, NodeStatus.STOPPED,
    ]  # fmt: skip


def test_as_many_failures_as_allowed_stop_nothing(play: Play) -> None:
    story = play()
    marked(story, "node-1")
    operation = story.submit(*ALL, options=DrainOptions(max_failures=1))
    view = story.finish(operation)
    assert (view.end, view.detail) == (OperationEnd.PARTLY, "")
    assert statuses(story, operation)[1:] == [NodeStatus.DRAINED] * 2


def test_an_operation_that_only_failed_says_why(play: Play) -> None:
    story = play()
    marked(story, "node-1")
    view = story.finish(story.submit("node-1"))
    assert view.end is OperationEnd.FAILED
    assert view.detail.startswith("node-1: ")
    assert "other-abc123" in view.detail


@pytest.mark.parametrize(
    ("expect_gone", "end"), [(True, OperationEnd.DRAINED), (False, OperationEnd.FAILED)]
)
def test_a_node_that_disappears_counts_as_drained_only_where_that_was_expected(
    *, play: Play, monkeypatch: pytest.MonkeyPatch, expect_gone: bool, end: OperationEnd
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 50)
    story = play(policy=policy_with({"ask_after": "1h"}))
    hold(story)
    operation = story.submit("node-1", options=DrainOptions(expect_gone=expect_gone))
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.cluster.delete("Node", "", "node-1")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].status) == (end, NodeStatus.GONE)
    assert ("disappeared" in view.detail) is not expect_gone
