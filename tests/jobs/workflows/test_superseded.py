"""Where what was asked about changes, what people said is void, and they are asked anew."""

import threading

import pytest

from jobs import replanning
from jobs.models import OperationEnd, Outcome, QuestionKind, QuestionState, QuestionView
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, policy_with, until
from tests.jobs.story import Story, block

CY = BO.model_copy(update={"user": "U04CY"})
APPROVE = {"approve": {"by": ["U02BO", "U04CY"], "votes": 1}}
OFTEN = {"plan_again": "1s"}


@pytest.fixture(autouse=True)
def _sure_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "SURE_AFTER", 0.0)


def bare(story: Story, name: str = "debug", node: str = "node-1") -> None:
    """Put a pod without an owner on a node: a drain may not touch it by itself."""
    story.cluster.add_workload("Pod", "shop", name, on=[node])


def asked(story: Story, operation: str, id: str) -> QuestionView:
    return next(question for question in story.view(operation).questions if question.id == id)


# -- plans ---------------------------------------------------------------------------------------


def test_an_approval_of_a_plan_that_has_changed_is_void_and_asked_anew(play: Play) -> None:
    story = play(policy=policy_with(rule={**APPROVE, "start": "at_once"}))
    operation = story.submit("node-1")
    first = story.question(operation)
    bare(story)
    assert story.decide(first, "approve").outcome is Outcome.SETTLED
    again = story.question(operation, after=[first])
    old = asked(story, operation, first.id)
    assert (old.state, old.superseded_by) == (QuestionState.SETTLED, again.id)
    assert old.superseded_because == "shop/debug on node-1 may not be evicted without a word"
    assert again.kind is QuestionKind.APPROVAL
    assert not again.votes
    assert not story.cordoned()  # nothing was touched on the word of the first
    plan = story.view(operation).plan
    assert plan is not None
    assert [str(refusal.pod) for refusal in plan.nodes[0].refusals] == ["shop/debug"]
    assert story.decide(again, "deny").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert view.end is OperationEnd.REFUSED
    assert [entry.what for entry in view.log] == ["replanned", "denied"]


def test_a_plan_that_changes_while_it_is_asked_about_closes_the_question(play: Play) -> None:
    policy = policy_with(OFTEN, {**APPROVE, "start": "at_once"})
    story = play(policy=policy)
    operation = story.submit("node-1")
    first = story.question(operation)
    bare(story)
    again = story.question(operation, after=[first])
    old = asked(story, operation, first.id)
    assert (old.state, old.closed_because) == (QuestionState.CLOSED, "superseded")
    assert old.superseded_by == again.id
    late = story.decide(first, "approve")
    assert (late.outcome, late.question and late.question.superseded_by) == (
        Outcome.CLOSED,
        again.id,
    )
    story.decide(again, "approve", by=CY)
    until(story.cordoned, what="the drain")
    story.abort(operation)
    story.finish(operation)


def test_the_first_of_two_approvals_does_not_count_for_another_plan(play: Play) -> None:
    rule = {"approve": {"by": ["U02BO", "U04CY"], "votes": 2}, "start": "at_once"}
    story = play(policy=policy_with(OFTEN, rule))
    operation = story.submit("node-1")
    first = story.question(operation)
    assert story.decide(first, "approve", by=BO).outcome is Outcome.VOTED
    bare(story)
    again = story.question(operation, after=[first])
    assert story.decide(again, "approve", by=CY).outcome is Outcome.VOTED
    assert story.decide(again, "approve", by=BO).outcome is Outcome.SETTLED
    story.abort(operation)
    story.finish(operation)


def test_pods_that_are_replaced_and_counts_that_change_void_nobodys_word(play: Play) -> None:
    story = play(policy=policy_with(rule={**APPROVE, "start": "at_once"}))
    story.cluster.add_workload("Deployment", "shop", "web", replicas=2, on=["node-1", "node-2"])
    operation = story.submit("node-1")
    first = story.question(operation)
    story.cluster.add_workload("Deployment", "shop", "api", replicas=2, on=["node-1", "node-2"])
    assert story.decide(first, "approve").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert len(view.questions) == 1
    assert view.plan is not None
    assert view.plan.nodes[0].evict == 2  # the counts are those of now


def test_a_start_is_asked_anew_before_what_is_new_is_touched(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    bare(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    bare(story, "late")
    story.decide(first, "evict_anyway")
    again = story.question(operation, after=[first])
    assert sorted(str(each.pod) for each in again.refusals) == ["shop/debug", "shop/late"]
    assert asked(story, operation, first.id).superseded_by == again.id
    assert not story.cordoned()
    story.decide(again, "evict_anyway")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert [entry.what for entry in view.log if entry.what == "started"] == ["started"]


def test_a_change_of_the_plan_voids_start_and_approval_alike(play: Play) -> None:
    story = play(policy=policy_with(rule={**APPROVE, "start": "when_noteworthy"}))
    bare(story)
    operation = story.submit("node-1")
    start = story.question(operation)
    story.decide(start, "evict_anyway")
    approval = story.question(operation, after=[start])
    bare(story, "late")
    story.decide(approval, "approve", by=CY)
    again = story.question(operation, after=[start, approval])
    assert again.kind is QuestionKind.START
    assert asked(story, operation, approval.id).superseded_by == again.id
    story.abort(operation)
    story.finish(operation)


def test_a_node_that_goes_while_it_is_asked_about_ends_it(play: Play) -> None:
    story = play(policy=policy_with(OFTEN, {**APPROVE, "start": "at_once"}))
    operation = story.submit("node-1")
    story.question(operation)
    story.cluster.delete("Node", "", "node-1")
    view = story.finish(operation)
    assert view.end is OperationEnd.REFUSED
    assert view.detail == "There is no node node-1. Nothing was started."


# -- questions -----------------------------------------------------------------------------------


def test_one_more_pod_is_another_question(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    block(story, app="cache")
    again = story.question(operation, after=[first])
    old = asked(story, operation, first.id)
    assert (old.closed_because, old.superseded_by) == ("superseded", again.id)
    assert "payments/cache-0" in old.superseded_because
    assert {str(pod) for pod in again.pods} == {"payments/db-0", "payments/cache-0"}
    assert again.thread_key != first.thread_key
    late = story.decide(first, "force", note="now")
    assert late.outcome is Outcome.CLOSED
    story.decide(again, "skip")
    view = story.finish(operation)
    assert len(view.questions) == 2
    assert not story.evictions()


def test_another_word_of_a_budget_is_another_question(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    story.cluster.patch("PodDisruptionBudget", "payments", "db", {"spec": {"minAvailable": 3}})
    again = story.question(operation, after=[first])
    old = asked(story, operation, first.id)
    assert old.superseded_by == again.id
    assert (
        old.superseded_because == "budget payments/db says minAvailable 3 now, not minAvailable 2"
    )
    assert again.blocks[0].budgets[0].spec == "minAvailable 3"
    story.decide(again, "skip")
    story.finish(operation)


def test_votes_on_what_was_asked_before_do_not_force_one_pod_more(play: Play) -> None:
    story = play(policy=policy_with(rule={"force": {"by": ["sre"], "votes": 2}}))
    block(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    assert story.decide(first, "force", by=ANA, note="now").outcome is Outcome.VOTED
    block(story, app="cache")
    again = story.question(operation, after=[first])
    assert story.decide(again, "force", by=BO, note="now").outcome is Outcome.VOTED
    assert {"db-0", "cache-0"} <= set(story.pods_on())
    story.decide(again, "skip")
    story.finish(operation)


def test_a_daemonsets_pod_that_starts_on_the_node_leaves_the_question_as_it_is(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    story.cluster.add_workload("DaemonSet", "kube-system", "logs", on=["node-1"])
    story.cluster.add_workload("Pod", "shop", "debug", on=["node-1"])  # seen after the other one
    again = story.question(operation, after=[first])
    assert "logs" not in asked(story, operation, first.id).superseded_because
    story.decide(again, "skip")
    story.finish(operation)


@pytest.mark.parametrize("round_", range(3))
def test_of_a_settlement_and_a_change_at_once_one_wins(play: Play, round_: int) -> None:
    story = play(policy=policy_with({"ask_after": "0s"}))
    block(story)
    operation = story.submit("node-1")
    first = story.question(operation)
    child = f"{operation}-1"
    gate = threading.Barrier(2)
    results: dict[str, str] = {}

    def settle() -> None:
        gate.wait()
        results["settle"] = story.decide(first, "skip").outcome

    def change() -> None:
        gate.wait()
        results["change"] = story.worker.store.signal(child, "changed", "one more pod")

    threads = [threading.Thread(target=each) for each in (settle, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settled = results["settle"] == Outcome.SETTLED
    assert settled != (results["change"] == "woken"), results
    if settled:
        assert story.finish(operation).questions[0].settled is not None
        return
    assert results["settle"] == Outcome.CLOSED
    again = story.question(operation, after=[first])
    assert asked(story, operation, first.id).superseded_by == again.id
    story.decide(again, "skip")
    story.finish(operation)
