"""Force and pause: what a person decides past a budget, and what waits for a person."""

import pytest

from jobs.activities import empty
from jobs.guardrails import Guardrails
from jobs.models import OperationEnd, QuestionKind
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, allowed, block, counted, hold, web

# -- force ---------------------------------------------------------------------------------------


def test_force_takes_one_pod_at_a_time_by_uid_and_waits_for_its_replacement(play: Play) -> None:
    story = play()
    block(story, replicas=2)
    story.cluster.set_timing(start_s=0.4)
    operation = story.submit("node-1")
    asked = story.question(operation)
    uids = {refused.pod.uid for refused in asked.blocks}
    assert len(uids) == 2
    story.decide(asked, "force", note="moved")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED, view
    first, second = story.requests("pods", carried_out=True)
    assert {first.uid_precondition, second.uid_precondition} == uids
    assert second.time - first.time >= 0.4
    assert sorted(view.nodes[0].forced) == ["payments/db-0", "payments/db-1"]


def test_the_drain_does_not_wait_for_the_replacement_of_the_last_forced_pod(play: Play) -> None:
    story = play()
    block(story)
    story.cluster.set_timing(start_s=600)
    operation = story.submit("node-1")
    story.decide(story.question(operation), "force", note="moved")
    until(lambda: story.node(operation).safe_to_power_off, what="a node that is drained")
    until(lambda: story.node(operation).unwell, what="what only the next node waits for")


def test_the_story_names_as_forced_only_what_force_deletes(play: Play) -> None:
    story = play()
    block(story)
    story.cluster.add_workload("Pod", "tools", "debug", on=["node-1"])
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert (len(asked.blocks), len(asked.refusals)) == (1, 1)
    story.decide(asked, "force", note="moved")
    until(lambda: story.view(operation).nodes[0].forced, what="the force")
    (told,) = [entry for entry in story.view(operation).log if entry.what == "forced"]
    assert told.fields["pods"] == "payments/db-0"


def test_force_ends_a_pod_past_its_time_without_grace_though_no_kubelet_answers(
    play: Play,
) -> None:
    story = play(policy=policy_with({"terminating_slack": "200ms"}))
    web(story, 1, elsewhere=1, grace=1)
    story.cluster.switch(kubelet=False)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.WONT_STOP
    story.decide(asked, "force", note="the machine is off")
    until(lambda: story.pods_on() == [], what="the end of the pod")
    (deleted,) = story.requests("pods", carried_out=True)
    assert deleted.uid_precondition == asked.wont_stop[0].pod.uid
    story.cluster.switch(kubelet=True)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_force_goes_on_after_answers_that_were_lost(play: Play) -> None:
    story = play()
    block(story)
    story.cluster.set_timing(stop_s=2)
    operation = story.submit("node-1")
    asked = story.question(operation)
    story.cluster.answer_next(500, method="DELETE", path="/pods/db-0")
    story.decide(asked, "force", note="moved")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].forced) == (OperationEnd.DRAINED, ("payments/db-0",))
    assert len(view.questions) == 1


def test_a_force_that_the_guardrails_refuse_is_said_at_once(play: Play) -> None:
    story = play(guardrails=Guardrails(force=False), policy=policy_with({"ask_after": "1ms"}))
    block(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    story.decide(first, "force", note="moved")
    again = story.question(operation, after=[first])
    assert "guardrails" in again.detail
    assert story.requests("pods") == []
    assert again.thread_key == first.thread_key


# -- pause ---------------------------------------------------------------------------------------


def one_by_one(story: Story, pods: int) -> None:
    """Pods that may leave one at a time, each when the one before runs elsewhere."""
    web(story, pods)
    story.cluster.add_budget("shop", "web", max_unavailable=1, match_labels={"app": "web"})
    counted(story, "shop", "web", pods)


def test_pause_sends_nothing_frees_the_slot_and_resume_goes_on(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "REST_AFTER", 0)
    story = play(policy=policy_with({"ask_after": "1h"}))
    one_by_one(story, 4)
    story.cluster.switch(kubelet=False)  # what was evicted does not end, so nothing else may go
    operation = story.submit("node-1")
    until(story.evictions, what="the first eviction")
    story.pause(operation)
    until(lambda: story.suspended(operation), what="a slot that is free")
    before = len(story.requests("pods/eviction"))
    epoch = story.worker.store.workflow(f"{operation}-1")
    story.cluster.switch(kubelet=True)
    allowed(story, "shop", "web", 1)
    until(lambda: story.node(operation).pods_gone == 1, what="the end that is counted")
    until(lambda: story.suspended(operation), what="a slot that is free again")
    assert len(story.requests("pods/eviction")) == before
    now = story.worker.store.workflow(f"{operation}-1")
    assert epoch is not None
    assert now is not None
    assert now.epoch <= epoch.epoch + 2  # woken by the pod's end, not by the budget or a clock
    story.resume(operation)
    view = story.finish(operation)
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, 4)


def test_an_abort_ends_a_drain_that_is_paused(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1h"}))
    hold(story)
    operation = story.submit("node-1")
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.pause(operation)
    story.abort(operation)
    assert story.finish(operation).end is OperationEnd.ABORTED
