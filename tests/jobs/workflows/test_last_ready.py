"""Workloads without a budget stay up: their last ready pod goes only if people were told."""

from typing import Any

import pytest

from jobs.activities import empty
from jobs.models import OperationEnd, QuestionKind, RefusalReason
from sandbox.cluster import Entry
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, web


def ready_pods(story: Story, app: str = "web") -> list[str]:
    """The pods of an app that are ready and not being deleted."""
    return [
        pod["metadata"]["name"]
        for pod in story.cluster.list("Pod", namespace="shop")
        if pod["metadata"]["labels"]["app"] == app
        and "deletionTimestamp" not in pod["metadata"]
        and _ready(pod)
    ]


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def times(evictions: list[Entry]) -> list[float]:
    return sorted(each.time for each in evictions)


def test_the_last_ready_pod_waits_for_a_replacement(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 3, start_after=1.0)
    operation = story.submit("node-1")
    until(lambda: len(story.evictions()) == 2, what="the first two")
    until(lambda: len(story.node(operation).waiting_for) == 1, what="the third, held back")
    assert story.view(operation).questions == ()
    view = story.finish(operation)
    assert (view.end, view.questions, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, (), 3)
    first, second, third = times(story.evictions())
    assert second - first < 1.0
    assert third - first >= 1.0
    assert len(story.requests("pods/eviction")) == 3


def test_the_only_pod_that_the_plan_named_goes_without_a_question(play: Play) -> None:
    story = play()
    web(story, 1)
    view = story.finish(story.submit("node-1"))
    assert view.plan is not None
    assert view.plan.nodes[0].single_replicas == ("shop/web",)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())


def test_the_only_pod_that_the_plan_did_not_name_is_asked_about_at_once(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 2)
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-1"])
    story.cluster.add_workload("Pod", "shop", "first", on=["node-2"])
    operation = story.submit("node-2", "node-1")
    first = story.question(operation)
    story.cluster.scale("shop", "web", 1)  # after the plan: nobody was told
    until(lambda: len(story.pods_on()) == 2, what="the only pod")
    story.decide(first, "evict_anyway")
    asked = story.question(operation, after=[first])
    assert asked.kind is QuestionKind.REFUSAL
    reasons = {each.pod.name.split("-")[0]: each.reasons for each in asked.refusals}
    assert reasons == {
        "bare": (RefusalReason.UNMANAGED,),
        "web": (RefusalReason.LAST_READY,),
    }
    assert len(story.requests("pods/eviction")) == 1  # that of the first node
    story.decide(asked, "evict_anyway")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_replacement_that_never_comes_is_asked_about_after_a_while(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1500ms"}))
    web(story, 2, start_after=600)
    operation = story.submit("node-1")
    asked = story.question(operation)
    (last,) = asked.refusals
    assert last.reasons == (RefusalReason.LAST_READY,)
    (gone,) = story.evictions()
    assert asked.opened_at - gone.time * 1000 >= 1_000
    assert ready_pods(story) == [last.pod.name]
    story.decide(asked, "evict_anyway")
    until(lambda: len(story.evictions()) == 2, what="the last one")


def test_the_question_closes_by_itself_when_another_copy_is_ready(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1500ms"}))
    web(story, 2, start_after=600)
    operation = story.submit("node-1")
    story.question(operation)
    (starting,) = [
        pod["metadata"]["name"]
        for pod in story.cluster.list("Pod", namespace="shop")
        if not _ready(pod) and "deletionTimestamp" not in pod["metadata"]
    ]
    story.cluster.set_ready("shop", starting, ready=True)
    until(lambda: len(story.evictions()) == 2, what="the last one")
    (asked,) = story.view(operation).questions
    assert asked.closed_because == "no_longer_needed"


def test_a_question_about_another_pod_does_not_keep_the_last_copy_from_leaving(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 2, start_after=1.0)
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-1"])
    operation = story.submit("node-1")
    first = story.question(operation)
    assert [str(each.pod) for each in first.refusals] == ["shop/bare"]
    until(lambda: len(story.evictions()) == 2, what="the last copy, while people decide")
    asked = story.question(operation, after=[first])
    assert [str(each.pod) for each in asked.refusals] == ["shop/bare"]
    assert asked.thread_key == first.thread_key


def test_a_drain_that_waits_for_another_copy_holds_no_slot_and_is_woken_by_it(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "REST_AFTER", 100)
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 2, start_after=4.0)
    operation = story.submit("node-1")
    until(lambda: story.suspended(operation), what="a slot that is free")
    assert len(story.node(operation).waiting_for) == 1
    view = story.finish(operation)
    assert (view.end, view.questions, len(story.evictions())) == (OperationEnd.DRAINED, (), 2)


def test_evict_anyway_for_another_reason_takes_no_workload_down(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 2, start_after=1.0, emptydir=True)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert {each.reasons for each in asked.refusals} == {(RefusalReason.EMPTYDIR,)}
    story.decide(asked, "evict_anyway")
    view = story.finish(operation)
    assert (view.end, len(view.questions)) == (OperationEnd.DRAINED, 1)
    first, second = times(story.evictions())
    assert second - first >= 1.0


def test_two_drains_do_not_each_take_one_of_the_last_two(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h", "nodes_away": 2}), slots=4)
    story.cluster.add_workload(
        "Deployment", "shop", "web", replicas=2, on=["node-1", "node-2"], start_after=1.0
    )
    operation = story.submit("node-1", "node-2")
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    first, second = times(story.evictions())
    assert second - first >= 1.0


def test_disable_eviction_goes_past_budgets_and_takes_no_workload_down(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 3, start_after=1.0)
    story.cluster.add_budget("shop", "web", min_available=3, match_labels={"app": "web"})
    operation = story.submit("node-1", options={"disable_eviction": True})
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert story.requests("pods/eviction") == []
    first, second, third = times(story.requests("pods", carried_out=True))
    assert second - first < 1.0 <= third - first
