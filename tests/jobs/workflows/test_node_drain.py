"""The drain of one node, as people and the cluster see it."""

from typing import Any

import pytest

from jobs.activities import empty
from jobs.durable import Store
from jobs.models import NodeStatus, OperationEnd, Outcome, QuestionKind, RefusalReason, Verdict
from jobs.workflows import node as node_workflow
from sandbox.cluster import Scenario, User, nodes
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, allowed, block, counted, hold, let_go, web


def pod(story: Story, name: str) -> dict[str, Any]:
    (found,) = [p for p in story.cluster.list("Pod") if p["metadata"]["name"] == name]
    return found


def test_evictions_go_out_in_parallel_with_one_list_and_one_watch(play: Play) -> None:
    story = play(lease=30)
    web(story, 20, elsewhere=1)
    story.cluster.stall_next(1.5, method="POST", path="/eviction", times=None)
    operation = story.submit("node-1")

    def all_asked() -> bool:
        asked = story.cluster.counters().get("create pods/eviction", 0)
        return asked == 20 and not story.evictions()

    until(all_asked, what="20 evictions on their way at once")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, 20)
    counts = story.cluster.counters()
    assert counts["create pods/eviction"] == 20
    assert counts["watch pods"] == 1
    assert counts["list pods"] == 4  # the plan, the owners, the drain, and the last look


def test_a_slow_rate_is_kept_without_asking_redis_for_leave_all_the_time(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = play(policy=policy_with({"evictions_per_second": 20.0}))
    web(story, 16)
    asked: list[str] = []
    permit = Store.permit

    def counting(store: Store, *args: Any, **named: Any) -> dict[str, Any]:
        asked.append("leave")
        return permit(store, *args, **named)

    monkeypatch.setattr(Store, "permit", counting)
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    times = [entry.time for entry in story.evictions()]
    assert times[-1] - times[0] >= 0.05 * 14  # 16 with a burst of one
    assert len(asked) <= 3 * 16


def test_a_server_that_throttles_is_given_time_and_is_no_budget(play: Play) -> None:
    story = play()
    web(story, 1)
    story.cluster.answer_next(
        429, path="/eviction", body={"message": "slow down"}, headers={"Retry-After": "1"}
    )
    view = story.finish(story.submit("node-1"))
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    refused, accepted = story.requests("pods/eviction")
    assert accepted.time - refused.time >= 1


def test_an_api_server_that_goes_away_in_the_middle_is_waited_for(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 100)
    story = play(policy=policy_with({"evictions_per_second": 10.0}))
    web(story, 12)
    operation = story.submit("node-1")
    until(story.evictions, what="the first eviction")
    for method in ("GET", "POST"):
        story.cluster.answer_next(503, method=method, path="^/api", times=None)
    story.cluster.cut_all()
    seen = dict(story.cluster.counters())

    def tried() -> bool:
        return story.cluster.counters()["get nodes"] > seen["get nodes"] + 1

    until(tried, what="another try")
    story.cluster.clear_faults()
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert view.nodes[0].pods_gone == 12
    uids = [entry.uid_precondition for entry in story.evictions()]
    assert len(set(uids)) == len(uids)


def test_a_pod_that_was_made_anew_under_its_name_is_not_evicted(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    old = asked.blocks[0].pod.uid
    story.cluster.delete("Pod", "payments", "db-0")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED, view
    assert {entry.uid_precondition for entry in story.requests("pods/eviction")} == {old}
    moved = story.cluster.get("Pod", "payments", "db-0")
    assert moved is not None
    assert moved["metadata"]["uid"] != old


def test_a_drain_past_its_time_is_asked_about_once_and_retry_gives_it_more(play: Play) -> None:
    story = play(policy=policy_with({"node_timeout": "1s", "ask_after": "1h"}))
    hold(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.OVERDUE
    assert story.node(operation).status is NodeStatus.BLOCKED
    tries = len(story.requests("pods/eviction"))
    let_go(story)
    allowed(story, "payments", "db", 1)
    # The watcher would have resumed it by now if it looked for that.
    assert f"{operation}-1" not in story.worker.store.watching()
    assert story.view(operation).open_questions == (asked,)
    assert len(story.requests("pods/eviction")) == tries
    story.decide(asked, "retry")
    view = story.finish(operation)
    assert (view.end, len(view.questions)) == (OperationEnd.DRAINED, 1)


def test_the_time_that_people_take_is_not_the_drains(play: Play) -> None:
    story = play(policy=policy_with({"node_timeout": "700ms"}))
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: story.worker.store.now() > asked.opened_at + 800, what="more than its time")
    story.decide(asked, "retry")
    again = story.question(operation, after=[asked])
    assert again.kind is QuestionKind.BLOCK  # not: it takes too long


def test_a_node_that_somebody_uncordons_is_asked_about_and_cordoned_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 50)
    story = play(policy=policy_with({"ask_after": "1h"}))
    hold(story)
    operation = story.submit("node-1")
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})
    asked = story.question(operation)
    assert asked.kind is QuestionKind.UNCORDONED
    let_go(story)
    story.decide(asked, "retry")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert story.cordoned()


def test_an_uncordon_that_is_seen_only_at_the_last_look_is_asked_about_too(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 3_600_000)
    story = play(policy=policy_with({"ask_after": "1h"}))
    hold(story)
    operation = story.submit("node-1")
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})
    story.cluster.switch(statefulset=False)  # else the pod comes back to this very node
    let_go(story)
    asked = story.question(operation)
    assert asked.kind is QuestionKind.UNCORDONED
    assert "uncordoned" in asked.detail


def test_a_node_that_is_deleted_ends_as_gone_and_is_nobodys_any_more(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 50)
    story = play(policy=policy_with({"ask_after": "1h"}))
    hold(story)
    operation = story.submit("node-1")
    until(lambda: story.requests("pods/eviction"), what="a try")
    story.cluster.delete("Node", "", "node-1")
    story.finish(operation)
    assert story.node(operation).status is NodeStatus.GONE
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert (record.mode, record.owner) == ("gone", "")
    assert story.worker.resources.nodes.owned() == ()


def test_without_the_right_to_cordon_nothing_is_evicted_and_the_right_is_named(
    play: Play,
) -> None:
    everything = ("get", "list", "watch", "create", "delete")
    user = User.allowed("worker", *((verb, "*") for verb in everything))
    scenario = nodes("node-1", "node-2").model_copy(update={"tokens": {"secret": user}})
    story = play(Scenario.model_validate(scenario), token="secret")
    web(story, 2)
    operation = story.submit("node-1")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].status) == (OperationEnd.FAILED, NodeStatus.FAILED)
    assert "patch nodes" in view.nodes[0].detail
    assert story.requests("pods/eviction") == []
    assert story.worker.resources.nodes.owned() == ()


def test_a_pod_that_does_not_stop_is_asked_about_with_its_finalizers(play: Play) -> None:
    story = play(policy=policy_with({"terminating_slack": "200ms"}))
    web(story, 1, grace=0, finalizers=("example.com/hold",))
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.WONT_STOP
    (stuck,) = asked.wont_stop
    assert stuck.finalizers == ("example.com/hold",)
    story.cluster.patch(
        "Pod", stuck.pod.namespace, stuck.pod.name, {"metadata": {"finalizers": None}}
    )
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.questions[0].closed_because == "no_longer_needed"


def test_refusals_are_asked_about_while_the_others_go_on(play: Play) -> None:
    story = play()
    web(story, 3)
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-1"])
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert asked.kind is QuestionKind.REFUSAL
    assert [refused.reasons for refused in asked.refusals] == [(RefusalReason.UNMANAGED,)]
    assert story.pods_on() == ["bare"]
    story.decide(asked, "evict_anyway")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, 4)


def test_a_refused_pod_that_somebody_deletes_lets_the_drain_go_on(play: Play) -> None:
    story = play()
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-1"])
    operation = story.submit("node-1")
    story.question(operation)
    story.cluster.delete("Pod", "shop", "bare", grace=0)
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_evict_anyway_stays_within_the_budgets(play: Play) -> None:
    story = play()
    story.cluster.add_workload("Pod", "shop", "bare", on=["node-1"])
    story.cluster.add_budget("shop", "bare", min_available=1, match_labels={"app": "bare"})
    counted(story, "shop", "bare", 1)
    operation = story.submit("node-1")
    refused = story.question(operation)
    story.decide(refused, "evict_anyway")
    blocked = story.question(operation, after=[refused])
    assert blocked.kind is QuestionKind.BLOCK
    assert [each.budgets[0].name for each in blocked.blocks] == ["bare"]
    assert story.pods_on() == ["bare"]


def test_a_block_that_may_pass_is_shown_at_once_and_asked_about_later(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "2s"}))
    hold(story)
    operation = story.submit("node-1")
    until(lambda: story.node(operation).waiting_for, what="a pod that is shown as blocked")
    assert story.view(operation).questions == ()
    asked = story.question(operation)
    assert {each.verdict for each in asked.blocks} == {Verdict.MAY_PASS}
    assert asked.opened_at - story.node(operation).started_at >= 2000


def test_a_drain_that_waits_holds_no_slot_and_is_woken_by_the_budget(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "REST_AFTER", 100)
    story = play(policy=policy_with({"ask_after": "1h"}))
    web(story, 3)
    hold(story)
    operation = story.submit("node-1")
    until(lambda: story.suspended(operation), what="a slot that is free")
    until(lambda: story.pods_on() == ["db-0"], what="the others' end")
    assert story.node(operation).waiting_for == ("payments/db-0",)
    let_go(story)
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert (view.nodes[0].pods_gone, view.nodes[0].pods_total) == (4, 4)


def test_a_drain_that_waits_for_slow_pods_holds_no_slot(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "REST_AFTER", 100)
    story = play()
    web(story, 2, elsewhere=1, grace=600)
    story.cluster.switch(kubelet=False)
    operation = story.submit("node-1")
    until(lambda: story.suspended(operation), what="a slot that is free")
    assert len(story.evictions()) == 2
    story.cluster.switch(kubelet=True)
    view = story.finish(operation)
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, 2)


def test_two_budgets_on_a_pod_are_asked_about_until_one_of_them_is_gone(play: Play) -> None:
    story = play()
    web(story, 2)
    for name in ("one", "two"):
        story.cluster.add_budget("shop", name, min_available=0, match_labels={"app": "web"})
        counted(story, "shop", name, 2)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert {each.kind for each in asked.blocks} == {"two_budgets"}
    until(story.worker.store.watching, what="what the watcher looks for")
    until(lambda: "budgets:shop" in story.worker.watcher._eyes, what="the watcher's eye")
    until(lambda: story.worker.watcher._budgets.get("shop"), what="both budgets seen")
    looks = counted_looks(story)
    until(lambda: len(looks) >= 3, what="looks of the watcher")
    assert story.view(operation).questions == (asked,)  # both allow a disruption: that is no help
    story.cluster.delete("PodDisruptionBudget", "shop", "two")
    assert story.finish(operation).end is OperationEnd.DRAINED


def counted_looks(story: Story) -> list[str]:
    """Each look of the watcher, from now on."""
    looks: list[str] = []
    freed = story.worker.watcher._freed
    look = freed.look

    def counting(*args: Any, **named: Any) -> list[str]:
        looks.append("look")
        return look(*args, **named)

    freed.look = counting  # type: ignore[method-assign]
    return looks


def test_what_is_counted_goes_on_over_questions(play: Play) -> None:
    story = play()
    web(story, 3)
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert story.node(operation).status is NodeStatus.BLOCKED
    assert (asked.pods_left, asked.pods_total) == (1, 4)
    assert story.decide(asked, "force", note="moved").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert (view.nodes[0].pods_gone, view.nodes[0].pods_total) == (4, 4)
    assert [entry.fields["pods"] for entry in view.log if entry.what == "drained"] == [4]


def test_a_drain_goes_on_with_all_that_was_decided_when_its_history_starts_afresh(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_workflow, "ROUNDS", 3)  # two questions a history
    story = play()
    block(story)
    web(story, 2)
    operation = story.submit("node-1")
    asked = [story.question(operation)]
    for _ in range(4):
        story.decide(asked[-1], "retry")
        asked.append(story.question(operation, after=asked))
    assert {each.thread_key for each in asked} == {asked[0].thread_key}
    story.decide(asked[-1], "retry")
    asked.append(story.question(operation, after=asked))
    story.decide(asked[-1], "force", note="moved")  # the last word of a history counts in the next
    view = story.finish(operation)
    assert (view.end, view.nodes[0].forced) == (OperationEnd.DRAINED, ("payments/db-0",))
    assert view.nodes[0].pods_gone == 3
    record = story.worker.store.workflow(f"{operation}-1")
    assert record is not None
    assert record.generation == 3
