"""Nodes blocked by one cause: one question that names them all, and one answer for all of them."""

import threading
from typing import Any, cast

import pytest

from jobs.activities import empty, forcing, sending
from jobs.models import (
    NodeStatus,
    OperationEnd,
    OperationView,
    Outcome,
    QuestionState,
    QuestionView,
)
from sandbox.cluster import Entry
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, policy_with, until
from tests.jobs.story import Story, counted
from tests.jobs.workflows.moments import Moments

AWAY = {"nodes_away": 2}
TWO = {"force": {"by": ["sre"], "votes": 2}}


def db(story: Story, *, app: str = "db", nodes: tuple[str, ...] = ("node-1", "node-2")) -> None:
    """Put a pod on each node, all of them under one budget that needs them all."""
    story.cluster.add_workload(
        "StatefulSet", "payments", app, replicas=len(nodes), parallel=True, on=list(nodes)
    )
    story.cluster.add_budget("payments", app, min_available=len(nodes), match_labels={"app": app})
    counted(story, "payments", app, len(nodes))


def joint(story: Story, operation: str, *nodes: str) -> QuestionView:
    """Wait for the open question about these nodes, the only one that is open."""

    def look() -> QuestionView | None:
        view = story.view(operation)
        assert view.end is None, view
        found = view.open_questions
        wanted = [each for each in found if set(each.nodes) == set(nodes)]
        return wanted[0] if wanted and len(found) == 1 else None

    return until(look, what=f"one question about {nodes}")


def started(play: Play, **policy: Any) -> tuple[Story, str, QuestionView]:
    story = play(policy=policy_with(AWAY, **policy))
    db(story)
    operation = story.submit("node-1", "node-2")
    return story, operation, joint(story, operation, "node-1", "node-2")


def statuses(view: OperationView) -> dict[str, NodeStatus]:
    return {node.name: node.status for node in view.nodes}


def test_it_names_each_nodes_pods_and_says_what_blocks_them(play: Play) -> None:
    story, operation, asked = started(play)
    on = {each.node: [str(pod) for pod in each.pods] for each in asked.by_node}
    assert on == {"node-1": ["payments/db-0"], "node-2": ["payments/db-1"]}
    assert (asked.node, asked.pods_left, asked.pods_total) == ("", 2, 2)
    assert {str(block.pod) for block in asked.blocks} == {"payments/db-0", "payments/db-1"}
    (earlier,) = (q for q in story.view(operation).questions if q.id != asked.id)
    assert (earlier.closed_because, earlier.superseded_by) == ("superseded", asked.id)
    assert "can't move either, for the same budget" in earlier.superseded_because
    late = story.decide(earlier, "skip")
    assert (late.outcome, late.question and late.question.superseded_by) == (
        Outcome.CLOSED,
        asked.id,
    )
    story.abort(operation)
    story.finish(operation)


def test_one_skip_leaves_all_of_them_and_nothing_is_evicted(play: Play) -> None:
    story, operation, asked = started(play)
    assert story.decide(asked, "skip").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert set(statuses(view).values()) == {NodeStatus.SKIPPED}
    assert not story.requests("pods/eviction", carried_out=True)
    assert not story.requests("pods", carried_out=True)
    assert not story.cordoned("node-1")
    assert not story.cordoned("node-2")
    assert [entry.node for entry in view.log if entry.what == "skipped"] in (
        ["node-1", "node-2"],
        ["node-2", "node-1"],
    )


def test_one_force_deletes_exactly_the_named_pods_one_at_a_time(play: Play) -> None:
    story = play(policy=policy_with(AWAY))
    db(story, nodes=("node-1", "node-2", "node-3"))
    story.cluster.set_timing(start_s=0.5)
    operation = story.submit("node-1", "node-2")
    asked = joint(story, operation, "node-1", "node-2")
    uids = {pod.uid for pod in asked.pods}
    story.decide(asked, "force", note="moved")
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED, view
    first, second = story.requests("pods", carried_out=True)
    assert {first.uid_precondition, second.uid_precondition} == uids
    assert second.time - first.time >= 0.5  # not before the first one's replacement was ready
    assert sorted(pod for node in view.nodes for pod in node.forced) == [
        "payments/db-0",
        "payments/db-1",
    ]
    assert {e.node for e in view.log if e.what == "forced"} == {"node-1", "node-2"}


def test_while_a_replacement_does_not_come_the_next_node_waits_without_a_slot(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "REST_AFTER", 100)
    story, operation, asked = started(play)
    story.cluster.set_timing(start_s=600)
    story.decide(asked, "force", note="moved")
    until(lambda: story.requests("pods", carried_out=True), what="the first deletion")
    until(
        lambda: any(story.suspended(operation, child) for child in (1, 2)),
        what="the other node's free slot",
    )
    assert len(story.requests("pods", carried_out=True)) == 1
    story.abort(operation)
    view = story.finish(operation)
    assert len(story.requests("pods", carried_out=True)) == 1
    assert view.end is OperationEnd.ABORTED


def test_two_people_force_all_of_it_with_two_votes(play: Play) -> None:
    story, operation, asked = started(play, rule=TWO)
    assert story.decide(asked, "force", by=ANA, note="now").outcome is Outcome.VOTED
    assert not story.requests("pods", carried_out=True)
    assert story.decide(asked, "force", by=BO, note="now").outcome is Outcome.SETTLED
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert len(story.requests("pods", carried_out=True)) == 2


def test_one_abort_ends_it_all(play: Play) -> None:
    story, operation, asked = started(play)
    story.decide(asked, "abort")
    view = story.finish(operation)
    assert view.end is OperationEnd.ABORTED
    assert not story.evictions()


def test_a_retry_that_is_refused_again_asks_one_question_again_in_its_message(play: Play) -> None:
    story, operation, asked = started(play)
    story.decide(asked, "retry")
    until(
        lambda: [q.id for q in story.view(operation).open_questions] != [asked.id],
        what="the refusals",
    )
    again = joint(story, operation, "node-1", "node-2")
    assert again.id != asked.id
    assert again.thread_key == asked.thread_key
    # Until the other node joined it again: not in the message from before they were one.
    first, alone = (each for each in story.view(operation).questions if len(each.nodes) == 1)
    assert alone.thread_key == f"{alone.nodes[0]}:1:alone"
    assert first.thread_key == f"{first.nodes[0]}:1"
    story.decide(again, "skip")
    view = story.finish(operation)
    assert view.questions[-1].id == again.id  # the latest is the last


def test_one_that_is_freed_goes_on_and_the_others_are_still_asked_about(play: Play) -> None:
    story = play(policy=policy_with(AWAY, rule=TWO))
    db(story)
    operation = story.submit("node-1", "node-2")
    asked = joint(story, operation, "node-1", "node-2")
    story.decide(asked, "force", by=ANA, note="now")
    story.cluster.switch(statefulset=False)
    story.cluster.delete("Pod", "payments", "db-0", grace=0)
    left = joint(story, operation, "node-2")
    assert (left.id, left.thread_key) == (asked.id, asked.thread_key)
    assert [str(pod) for pod in left.pods] == ["payments/db-1"]
    assert [vote.by for vote in left.votes] == [ANA.id]
    until(lambda: story.node(operation, "node-1").status is NodeStatus.DRAINED, what="node-1")
    assert story.decide(left, "force", by=BO, note="now").outcome is Outcome.SETTLED
    until(lambda: story.node(operation, "node-2").forced, what="the force")
    assert story.node(operation, "node-2").forced == ("payments/db-1",)
    story.abort(operation)
    story.finish(operation)


def test_a_budget_that_frees_itself_closes_it_for_all(play: Play) -> None:
    story, operation, asked = started(play)
    story.cluster.patch("PodDisruptionBudget", "payments", "db", {"spec": {"minAvailable": 0}})
    view = story.finish(operation)
    assert view.end is OperationEnd.DRAINED
    closed = next(each for each in view.questions if each.id == asked.id)
    assert closed.state is QuestionState.CLOSED
    assert set(closed.nodes) == {"node-1", "node-2"}  # it was about both


def test_two_budgets_are_two_questions(play: Play) -> None:
    story = play(policy=policy_with(AWAY))
    db(story, nodes=("node-1", "node-3"))
    db(story, app="cache", nodes=("node-2", "node-3"))
    operation = story.submit("node-1", "node-2")
    found = until(
        lambda: story.view(operation).open_questions[1:] and story.view(operation).open_questions,
        what="two questions",
    )
    assert {(q.node, str(q.pods[0])) for q in found} == {
        ("node-1", "payments/db-0"),
        ("node-2", "payments/cache-0"),
    }
    story.abort(operation)
    story.finish(operation)


def test_another_operations_question_about_the_same_budget_stays_its_own(play: Play) -> None:
    story = play(policy=policy_with(AWAY))
    db(story)
    first, second = story.submit("node-1"), story.submit("node-2")
    asked = story.question(first), story.question(second)
    assert [q.nodes for q in asked] == [("node-1",), ("node-2",)]
    story.decide(asked[0], "skip")
    story.finish(first)
    assert story.view(second).open_questions
    story.abort(second)
    story.finish(second)


def test_nobody_answers_and_all_of_them_stop_together(play: Play) -> None:
    story = play(policy=policy_with(AWAY, questions={"stop_after": "3s", "remind": "1s"}))
    db(story)
    operation = story.submit("node-1", "node-2")
    asked = joint(story, operation, "node-1", "node-2")
    view = story.finish(operation)
    assert view.end is OperationEnd.STOPPED
    assert set(statuses(view).values()) == {NodeStatus.STOPPED}
    closed = next(each for each in view.questions if each.id == asked.id)
    assert closed.closed_because == "nobody_answered"
    assert story.cordoned("node-1")
    assert story.cordoned("node-2")


def test_a_node_that_comes_to_it_while_it_is_settled_is_asked_about_by_itself(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = Moments(monkeypatch, child=2)
    story = play(policy=policy_with(AWAY))
    db(story)
    operations: list[str] = []
    settled: list[QuestionView] = []

    def settle() -> None:
        """Answer the first node's question right before the second one joins it."""
        until(lambda: operations)
        asked = story.question(operations[0])
        assert asked.nodes == ("node-1",)
        story.decide(asked, "skip")
        settled.append(asked)

    moments.at("ask:1", settle)
    operations.append(story.submit("node-1", "node-2"))
    until(lambda: settled, what="the first answer")
    asked = story.question(operations[0], after=settled)
    assert asked.nodes == ("node-2",)
    assert not asked.votes
    story.decide(asked, "skip")
    view = story.finish(operations[0])
    assert set(statuses(view).values()) == {NodeStatus.SKIPPED}
    assert not story.requests("pods/eviction", carried_out=True)


@pytest.mark.parametrize("round_", range(3))
def test_of_a_skip_and_a_node_that_is_freed_at_once_no_pod_is_evicted_after_its_skip(
    play: Play, round_: int
) -> None:
    story, operation, asked = started(play)
    gate = threading.Barrier(2)
    results: dict[str, str] = {}

    def settle() -> None:
        gate.wait()
        results["settle"] = story.decide(asked, "skip").outcome

    def free() -> None:
        gate.wait()
        results["free"] = story.worker.store.signal(f"{operation}-1", "freed")

    threads = [threading.Thread(target=each) for each in (settle, free)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["settle"] == Outcome.SETTLED  # the other node still waits for it
    if results["free"] == "woken":
        again = joint(story, operation, "node-1")
        story.decide(again, "skip")
    view = story.finish(operation)
    assert set(statuses(view).values()) == {NodeStatus.SKIPPED}
    assert not story.requests("pods/eviction", carried_out=True)
    assert not story.requests("pods", carried_out=True)


def test_whoever_dies_with_the_turn_of_a_pod_has_it_until_its_time_is_over(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sending, forcing):
        monkeypatch.setattr(module, "NEXT_AFTER", 2_000)
    story, operation, asked = started(play)
    story.cluster.set_timing(start_s=600)
    story.decide(asked, "force", note="moved")
    first = until(lambda: story.requests("pods", carried_out=True), what="the first deletion")[0]
    store = story.worker.store
    for child in (1, 2):  # as a keeper does who thinks that their workers are gone
        record = store.workflow(f"{operation}-{child}")
        assert record is not None
        fields = store.redis.hgetall(f"{store.prefix}wf:{record.id}")
        store.reap(record.id, record.epoch, cast("dict[str, str]", fields)["nonce"])

    def others() -> list[Entry]:
        deleted = story.requests("pods", carried_out=True)
        return [each for each in deleted if each.uid_precondition != first.uid_precondition]

    second = until(others, what="the deletion of the other node's pod")[0]
    assert second.time - first.time >= 1.9  # two clocks: the cluster's, and Redis'
    story.abort(operation)
    story.finish(operation)
