"""What people are asked before anything is touched, where the plan already refuses pods."""

import pytest

from jobs.models import DrainOptions, OperationEnd, OperationState, Outcome, QuestionKind
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, policy_with
from tests.jobs.story import Story

CY = BO.model_copy(update={"user": "U04CY"})


def bare(story: Story, name: str = "debug", node: str = "node-1") -> None:
    """Put a pod without an owner on a node: a drain may not touch it by itself."""
    story.cluster.add_workload("Pod", "shop", name, on=[node])


def anyway(story: Story, operation: str) -> None:
    asked = story.question(operation)
    assert (asked.kind, asked.choices) == (QuestionKind.START, ("start", "evict_anyway", "abort"))
    assert story.decide(asked, "evict_anyway").outcome is Outcome.SETTLED


def test_what_the_plan_refuses_is_asked_at_start_and_evicted_without_another_word(
    play: Play,
) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    bare(story)
    bare(story, "notes", "node-2")
    operation = story.submit("node-1", "node-2")
    asked = story.question(operation)
    assert sorted(str(refusal.pod) for refusal in asked.refusals) == ["shop/debug", "shop/notes"]
    anyway(story, operation)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert [question.kind for question in view.questions] == [QuestionKind.START]
    assert len(story.evictions()) == 2  # evicted, not deleted: budgets still hold
    started = next(entry for entry in view.log if entry.what == "started")
    assert started.fields == {"by": BO.id, "anyway": "shop/debug, shop/notes"}


def test_a_start_alone_leaves_refused_pods_for_a_question(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    bare(story)
    operation = story.submit("node-1")
    start = story.question(operation)
    story.decide(start, "start")
    asked = story.question(operation, after=[start])
    assert asked.kind is QuestionKind.REFUSAL
    assert "shop/debug" in {str(pod) for pod in asked.pods}
    story.decide(asked, "evict_anyway")
    assert story.finish(operation).end is OperationEnd.DRAINED


def test_a_pod_that_nobody_saw_in_the_plan_is_asked_about_alone(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    for other in ("node-2", "node-3"):
        story.cluster.patch("Node", "", other, {"spec": {"unschedulable": True}})
    story.cluster.add_workload("Deployment", "shop", "cache", on=["node-1"], emptydir=True)
    story.cluster.scale("shop", "cache", 2)  # one replica more or less is another plan
    story.cluster.wait_for(lambda view: len(view.list("Pod", node="node-1")) == 2)
    operation = story.submit("node-1")
    start = story.question(operation)
    seen = {refusal.pod.uid for refusal in start.refusals}
    story.cluster.scale("shop", "cache", 3)
    story.cluster.wait_for(lambda view: len(view.list("Pod", node="node-1")) == 3)
    story.decide(start, "evict_anyway")
    asked = story.question(operation, after=[start])
    assert len(asked.refusals) == 1
    assert not seen & {refusal.pod.uid for refusal in asked.refusals}
    story.abort(operation)
    story.finish(operation)


def test_a_plan_that_refuses_nothing_offers_nothing_more_at_start(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    operation = story.submit("node-1")
    assert story.question(operation).choices == ("start", "abort")
    story.abort(operation)
    story.finish(operation)


def test_who_asked_may_start_but_not_let_refused_pods_go(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm", "decide": ["U02BO"]}))
    bare(story)
    operation = story.submit("node-1", by=ANA)
    asked = story.question(operation)
    refused = story.decide(asked, "evict_anyway", by=ANA)
    assert (refused.outcome, refused.who_may) == (Outcome.REFUSED, ("U02BO",))
    assert story.decide(asked, "start", by=ANA).outcome is Outcome.SETTLED
    story.abort(operation)
    story.finish(operation)


def test_what_an_option_lets_go_is_not_asked_about(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    bare(story)
    operation = story.submit("node-1", options=DrainOptions(force=True))
    assert story.question(operation).choices == ("start", "abort")
    story.abort(operation)
    story.finish(operation)


# -- approvals -----------------------------------------------------------------------------------

VOTES = {"approve": {"by": ["U02BO", "U04CY"], "votes": 1}, "start": "when_noteworthy"}


def test_start_is_asked_before_approvals_which_say_what_goes_anyway(play: Play) -> None:
    story = play(policy=policy_with(rule=VOTES))
    bare(story)
    operation = story.submit("node-1")
    start = story.question(operation)
    anyway(story, operation)
    asked = story.question(operation, after=[start])
    assert asked.kind is QuestionKind.APPROVAL
    assert asked.detail == "To be evicted anyway, within budgets: shop/debug."
    assert story.view(operation).state is OperationState.APPROVING
    assert not story.cordoned()
    story.decide(asked, "approve", by=CY)
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert [entry.what for entry in view.log][:2] == ["confirmed", "started"]


def test_a_denial_after_start_touches_nothing(play: Play) -> None:
    story = play(policy=policy_with(rule=VOTES))
    bare(story)
    operation = story.submit("node-1")
    start = story.question(operation)
    anyway(story, operation)
    story.decide(story.question(operation, after=[start]), "deny", by=CY)
    assert story.finish(operation).end is OperationEnd.REFUSED
    assert not story.cordoned()


@pytest.mark.parametrize("start", ["when_noteworthy", "confirm"])
def test_a_plan_without_refusals_goes_straight_to_its_approval(play: Play, start: str) -> None:
    story = play(policy=policy_with(rule={**VOTES, "start": start}))
    operation = story.submit("node-1")
    assert story.question(operation).kind is QuestionKind.APPROVAL
    story.abort(operation)
    story.finish(operation)


# -- reminders -----------------------------------------------------------------------------------


def test_an_approval_that_nobody_gives_is_reminded_of_escalated_and_lapses(play: Play) -> None:
    approve = {"by": ["U02BO"], "votes": 1, "lapses": "2s"}
    questions = {
        "remind": "200ms", "escalate": {"after": "400ms", "to": "S0LEADS"}, "stop_after": "1h",
    }  # fmt: skip
    story = play(policy=policy_with(rule={"approve": approve}, questions=questions))
    view = story.finish(story.submit("node-1"))
    (asked,) = view.questions
    assert (asked.kind, asked.reminded) == (QuestionKind.APPROVAL, ("remind", "escalate"))
    assert (view.end, asked.closed_because) == (OperationEnd.REFUSED, "nobody_answered")


def test_a_start_is_reminded_of_and_escalated_to_nobody(play: Play) -> None:
    questions = {
        "remind": "200ms", "escalate": {"after": "300ms", "to": "S0LEADS"}, "stop_after": "1h",
    }  # fmt: skip
    rule = {"start": "confirm", "approve": {"by": ["U02BO"], "lapses": "1s"}}
    story = play(policy=policy_with(rule=rule, questions=questions))
    bare(story)
    view = story.finish(story.submit("node-1"))
    (asked,) = view.questions
    assert (asked.kind, asked.reminded) == (QuestionKind.START, ("remind",))


def test_no_reminder_comes_after_an_approval_lapses(play: Play) -> None:
    approve = {"by": ["U02BO"], "votes": 1, "lapses": "1s"}
    story = play(policy=policy_with(rule={"approve": approve}))  # reminders after 15 minutes
    view = story.finish(story.submit("node-1"))
    assert view.questions[0].reminded == ()
    assert story.worker.redis.zrange(f"{story.worker.store.prefix}timers", 0, -1) == []
