"""What people read of a block is how it stands now; the question stays the same, with its votes."""

import pytest

from jobs import amending
from jobs.amending import Amending
from jobs.drain.facts import Budget
from jobs.freed import Watched
from jobs.models import Block, OperationEnd, Outcome, QuestionView
from tests.jobs.conftest import Play
from tests.jobs.drain.making import budget
from tests.jobs.harness import ANA, BO, policy_with, until
from tests.jobs.story import Story, counted

TWO = {"force": {"by": ["sre"], "votes": 2}}


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amending, "SOONEST", 0.05)
    monkeypatch.setattr(amending, "LATEST", 0.2)
    monkeypatch.setattr(amending, "STEP", 0.01)


def three(story: Story) -> None:
    """Put a pod on node-1 whose budget needs three healthy ones and has three."""
    nodes = ["node-1", "node-2", "node-3"]
    story.cluster.add_workload("StatefulSet", "payments", "db", replicas=3, on=nodes)
    story.cluster.add_budget("payments", "db", min_available=3, match_labels={"app": "db"})
    counted(story, "payments", "db", 3)


def reads(story: Story, question: QuestionView) -> Block:
    """Return the block as whoever opens the question now reads it."""
    found = story.service.question(question.id)
    assert found is not None
    assert found.opened_at == question.opened_at
    return found.blocks[0]


def healthy(story: Story, question: QuestionView) -> int:
    return reads(story, question).budgets[0].current_healthy


def test_counts_that_change_are_amended_in_place_and_votes_stay(play: Play) -> None:
    story = play(policy=policy_with(rule=TWO))
    three(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    assert healthy(story, asked) == 3
    assert story.decide(asked, "force", by=ANA, note="now").outcome is Outcome.VOTED
    before = story.view(operation).version
    story.cluster.set_ready("payments", "db-2", ready=False)
    until(lambda: healthy(story, asked) == 2, what="the count of now")
    until(
        lambda: [each.pod for each in reads(story, asked).not_ready] == ["payments/db-2"],
        what="the pod that is not ready",
    )
    view = story.view(operation)
    assert view.version > before  # who shows it looks again
    assert [question.id for question in view.questions] == [asked.id]
    assert [vote.by for vote in view.questions[0].votes] == [ANA.id]
    story.cluster.set_ready("payments", "db-2", ready=True)
    until(lambda: healthy(story, asked) == 3, what="the count after that")
    assert story.decide(asked, "force", by=BO, note="now").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[0].forced == ("payments/db-0",)


def test_no_slot_is_held_while_a_question_is_kept_up_to_date(play: Play) -> None:
    story = play()
    three(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: story.suspended(operation), what="the free slot")
    record = story.worker.store.workflow(f"{operation}-1")
    assert record is not None
    story.cluster.set_ready("payments", "db-2", ready=False)
    until(lambda: healthy(story, asked) == 2, what="the count of now")
    now = story.worker.store.workflow(f"{operation}-1")
    assert now is not None
    assert (now.state, now.epoch) == ("suspended", record.epoch)
    story.decide(asked, "skip")
    story.finish(operation)


def test_what_keeps_a_pod_from_being_ready_is_told_though_no_budget_changes(play: Play) -> None:
    story = play()
    three(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    story.cluster.set_ready("payments", "db-2", ready=False)
    until(lambda: reads(story, asked).not_ready, what="the pod that is not ready")
    conditions = [
        {"type": "Ready", "status": "False", "reason": "X", "message": "its disk is full"}
    ]
    status = {"status": {"conditions": conditions}}
    story.cluster.patch("Pod", "payments", "db-2", status, subresource="status")
    until(
        lambda: "its disk is full" in reads(story, asked).not_ready[0].why,
        what="the kubelet's new words",
    )
    story.decide(asked, "skip")
    story.finish(operation)


def test_a_look_that_fails_is_taken_again(play: Play) -> None:
    story = play()
    three(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    story.cluster.answer_next(503, method="GET", path="/api/v1/namespaces/payments/pods", times=2)
    story.cluster.set_ready("payments", "db-2", ready=False)
    until(lambda: healthy(story, asked) == 2, what="the count of now")
    story.decide(asked, "skip")
    story.finish(operation)


def test_a_settled_question_keeps_the_counts_that_were_decided_on(play: Play) -> None:
    story = play()
    three(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    watched = story.worker.store.watching()[f"{operation}-1"]
    story.decide(asked, "skip")
    story.finish(operation)
    late = Amending(story.worker.resources)
    late._look(f"{operation}-1", Watched.read(f"{operation}-1", watched), seen(healthy=0))
    assert healthy(story, asked) == 3
    result = story.worker.store.amend(asked.id, {"blocks": []})
    assert result == "closed"
    assert healthy(story, asked) == 3


def seen(*, healthy: int) -> dict[str, Budget]:
    now = budget("db", app="db", min_available=3, current_healthy=healthy, desired_healthy=3)
    return {"payments/db": now}
