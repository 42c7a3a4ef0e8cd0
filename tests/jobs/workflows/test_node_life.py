"""A node's life after its drain: maintenance, the way back, and a fence that is lost."""

from typing import Any

from jobs.drain.fence import OPERATION, PREFIX, TOKEN
from jobs.drain.mode_marks import MODE, MODE_SEQ
from jobs.durable import Store
from jobs.models import (
    DrainRequest,
    OperationEnd,
    OperationView,
    QuestionKind,
    Refused,
    Submitted,
)
from jobs.nodes import NodeRecord
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, NAME, policy_with, until
from tests.jobs.story import Story, block, web


def record(story: Story, node: str = "node-1") -> NodeRecord:
    found = story.worker.resources.nodes.record(node)
    assert found is not None
    return found


def annotations(story: Story) -> dict[str, str]:
    found = story.cluster.get("Node", "", "node-1")
    assert found is not None
    return found["metadata"].get("annotations") or {}


def drained(play: Play) -> tuple[Story, str]:
    story = play()
    web(story, 1, elsewhere=1)
    operation = story.submit("node-1", reason="disk swap")
    assert story.finish(operation).end is OperationEnd.DRAINED
    return story, operation


def maintain(story: Story, **fields: Any) -> str:
    answer = story.service.maintain(
        ANA, NAME, "node-1", channel="C01", dedup=f"d{next(story.calls)}", **fields
    )
    assert isinstance(answer, Submitted), answer
    return answer.operation


def give_back(story: Story) -> str:
    answer = story.service.return_node(
        ANA, NAME, "node-1", channel="C01", dedup=f"d{next(story.calls)}"
    )
    assert isinstance(answer, Submitted), answer
    return answer.operation


def words(view: OperationView) -> list[str]:
    return [entry.what for entry in view.log]


def test_a_node_goes_through_maintenance_and_back_into_service(play: Play) -> None:
    story, _ = drained(play)
    life = maintain(story, expected=7200, reason="new disk")
    question = story.question(life)
    assert (question.kind, question.choices) == (QuestionKind.MAINTENANCE, ("return",))
    view = story.view(life)
    assert view.life is not None
    assert view.life.mode == record(story).mode == annotations(story)[MODE] == "maintenance"
    assert view.life.until - view.life.since == 7_200_000
    assert annotations(story)[OPERATION] == life
    assert story.cordoned()
    assert give_back(story) == life  # it is in maintenance: the same operation brings it back
    ended = story.finish(life)
    assert ended.end is OperationEnd.DRAINED
    assert ended.life is not None
    assert ended.life.mode == record(story).mode == "accepting"
    assert ended.life.away > 0
    assert words(ended) == ["maintenance_started", "returning", "returned"]
    assert not story.cordoned()
    assert {key for key in annotations(story) if key.startswith(PREFIX)} == {TOKEN, MODE_SEQ}


def test_a_drained_node_returns_without_maintenance(play: Play) -> None:
    story, _ = drained(play)
    assert story.finish(give_back(story)).end is OperationEnd.DRAINED
    assert not story.cordoned()
    assert record(story).owner == ""


def test_a_node_that_is_not_what_it_was_is_not_given_back_before_somebody_says_so(
    play: Play,
) -> None:
    story, _ = drained(play)
    story.cluster.set_node_ready("node-1", ready=False)
    life = give_back(story)
    until(lambda: record(story).mode == "returning", what="the way back")
    assert story.cordoned()
    story.cluster.set_node_ready("node-1", ready=True)
    assert story.finish(life).end is OperationEnd.DRAINED
    assert not story.cordoned()


def test_a_node_that_stays_away_too_long_is_asked_about_and_can_go_back_to_maintenance(
    play: Play,
) -> None:
    story = play(policy=impatient())
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    story.cluster.set_node_ready("node-1", ready=False)
    life = give_back(story)
    question = story.question(life)
    assert question.kind is QuestionKind.NOT_BACK
    assert question.detail == "it is not Ready"
    story.decide(question, choices.MAINTENANCE)
    again = story.question(life, after=[question])
    assert again.kind is QuestionKind.MAINTENANCE
    assert record(story).mode == "maintenance"
    assert story.cordoned()


def impatient() -> Any:

    return policy_with({"owners_well_within": "1s"})


def test_only_a_node_that_is_out_of_service_can_be_maintained_or_returned(play: Play) -> None:
    story = play()
    until(lambda: story.service.inventory(NAME).as_of, what="the inventory")
    answers = (
        story.service.maintain(ANA, NAME, "node-2", channel="C01", dedup="x1"),
        story.service.return_node(ANA, NAME, "node-2", channel="C01", dedup="x2"),
    )
    for answer in answers:
        assert isinstance(answer, Refused)
        assert "not held by drainbot" in answer.reason


def test_who_may_not_decide_starts_no_maintenance(play: Play) -> None:
    story, _ = drained(play)
    stranger = ANA.model_copy(update={"user": "U09EVE"})
    answer = story.service.maintain(stranger, NAME, "node-1", channel="C01", dedup="x")
    assert isinstance(answer, Refused)
    assert record(story).mode == "drained"


def lost(story: Story) -> OperationView:
    """Wait for the operation that says that the fence of node-1 is lost."""

    def look() -> OperationView | None:
        views = story.service.operations(NAME)
        asked = (v for v in views if any(q.kind is QuestionKind.FENCE_LOST for q in v.questions))
        return next(asked, None)

    return until(look, within=20, what="a lost fence")


def uncordon(story: Story) -> None:
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": None}})


def test_an_uncordon_of_a_drained_node_is_said_with_its_evidence_and_nothing_is_done_alone(
    play: Play,
) -> None:
    story, _ = drained(play)
    uncordon(story)
    view = lost(story)
    (question,) = view.open_questions
    assert question.detail == "somebody uncordoned it"
    assert question.choices == ("drain_again", "declare_valid", "give_back")
    assert record(story).mode == "fence_lost"
    assert not story.cordoned()
    assert (view.requester, view.channel) == (ANA.id, "C01")


def test_a_node_whose_fence_is_lost_can_be_drained_again(play: Play) -> None:
    story, _ = drained(play)
    uncordon(story)
    view = lost(story)
    story.decide(view.open_questions[0], choices.DRAIN_AGAIN)
    ended = story.finish(view.id)
    assert ended.end is OperationEnd.DRAINED
    assert story.cordoned()
    assert record(story).mode == "drained"


def test_a_node_whose_fence_is_lost_can_be_given_back(play: Play) -> None:
    story, _ = drained(play)
    uncordon(story)
    view = lost(story)
    story.decide(view.open_questions[0], choices.GIVE_BACK)
    assert story.finish(view.id).end is OperationEnd.DRAINED
    assert record(story).owner == ""
    assert MODE not in annotations(story)


def test_a_node_that_is_open_is_not_declared_valid(play: Play) -> None:
    story, _ = drained(play)
    uncordon(story)
    view = lost(story)
    asked = view.open_questions[0]
    story.decide(asked, choices.DECLARE_VALID)
    again = story.question(view.id, after=[asked])
    assert again.kind is QuestionKind.FENCE_LOST
    assert "not_valid" in words(story.view(view.id))
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    story.decide(again, choices.DECLARE_VALID)
    assert story.finish(view.id).end is OperationEnd.DRAINED
    assert record(story).mode == "drained"


def test_a_fence_that_is_lost_in_maintenance_is_said_by_the_operation_that_tends_the_node(
    play: Play,
) -> None:
    story, _ = drained(play)
    life = maintain(story)
    first = story.question(life)
    uncordon(story)
    question = story.question(life, after=[first])
    assert question.kind is QuestionKind.FENCE_LOST
    assert record(story).mode == "fence_lost"


def test_a_node_that_is_deleted_in_maintenance_ends_it(play: Play) -> None:
    story, _ = drained(play)
    life = maintain(story)
    story.question(life)
    story.cluster.delete("Node", "", "node-1")
    view = story.finish(life)
    assert (view.end, view.detail) == (OperationEnd.FAILED, "it is gone")
    assert story.worker.resources.nodes.owned() == ()


def allocatable(story: Story, **amounts: str) -> None:
    status = {"status": {"allocatable": amounts}}
    story.cluster.patch("Node", "", "node-1", status, subresource="status")


def test_a_node_that_came_back_with_less_than_it_had_is_asked_about(play: Play) -> None:
    story = play(policy=impatient())
    allocatable(story, cpu="4", memory="16Gi")
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    allocatable(story, cpu="4", memory="8Gi")  # half of its memory is gone
    life = give_back(story)
    question = story.question(life)
    assert question.kind is QuestionKind.NOT_BACK
    assert question.detail == "it has 8Gi memory for pods, and had 16Gi"
    assert story.cordoned()
    story.decide(question, choices.GO_ON)
    assert story.finish(life).end is OperationEnd.DRAINED
    assert not story.cordoned()


def test_a_node_returns_only_when_its_daemonsets_run_on_it(play: Play) -> None:
    story = play(policy=impatient())
    story.cluster.add_workload("DaemonSet", "kube-system", "logs", on=["node-1", "node-2"])
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    (pod,) = story.pods_on()
    story.cluster.set_ready("kube-system", pod, ready=False)
    life = give_back(story)
    question = story.question(life)
    assert question.detail == "no pod of the DaemonSet kube-system/logs is ready on it"
    story.cluster.set_ready("kube-system", pod, ready=True)
    story.decide(question, choices.RETRY)
    assert story.finish(life).end is OperationEnd.DRAINED


def test_a_cordon_that_was_there_before_the_drain_stays_after_the_return(play: Play) -> None:
    story = play()
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    ended = story.finish(give_back(story))
    assert ended.detail == "it was cordoned before and stays so"
    assert story.cordoned()
    assert record(story).owner == ""


def test_our_taint_of_a_dead_node_goes_before_anything_is_waited_for(play: Play) -> None:
    story, _ = drained(play)
    taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
    story.cluster.patch(
        "Node", "", "node-1",
        {
            "metadata": {"annotations": {f"{PREFIX}out-of-service": "true"}},
            "spec": {"taints": [taint, {"key": "example.com/gpu", "effect": "NoSchedule"}]},
        },
    )  # fmt: skip
    story.cluster.set_node_ready("node-1", ready=False)
    life = give_back(story)

    def taints() -> list[str]:
        found = story.cluster.get("Node", "", "node-1")
        assert found is not None
        return [each["key"] for each in found["spec"].get("taints", ())]

    until(lambda: taint["key"] not in taints(), what="the taint gone")
    assert "example.com/gpu" in taints()  # it is somebody else's
    assert story.cordoned()
    story.cluster.set_node_ready("node-1", ready=True)
    assert story.finish(life).end is OperationEnd.DRAINED


def test_an_aborted_return_leaves_the_node_cordoned_and_can_be_asked_for_again(play: Play) -> None:
    story, _ = drained(play)
    story.cluster.set_node_ready("node-1", ready=False)
    life = give_back(story)
    until(lambda: record(story).mode == "returning", what="the way back")
    story.abort(life)
    assert story.finish(life).end is OperationEnd.ABORTED
    assert story.cordoned()
    story.cluster.set_node_ready("node-1", ready=True)
    assert story.finish(give_back(story)).end is OperationEnd.DRAINED
    assert not story.cordoned()


def test_a_late_maintenance_is_reminded_of_by_its_own_end(play: Play) -> None:
    story, _ = drained(play)
    question = story.question(maintain(story, expected=60))
    store = story.worker.store
    assert question.stop_at == 0  # it never ends by itself
    later = Store(store.redis, NAME, clock=lambda: store.now() + 61_000)
    until(lambda: later.sweep() and story.view(question.operation).open_questions[0].reminded)
    assert story.view(question.operation).open_questions[0].reminded == ("remind",)


def test_a_drain_that_is_asked_for_while_a_node_is_tended_is_refused(play: Play) -> None:
    story, _ = drained(play)
    story.question(maintain(story))
    request = DrainRequest(cluster=NAME, nodes=("node-1",), channel="C01")
    refused = story.service.submit(ANA, request, dedup="while it is tended")
    assert isinstance(refused, Refused)
    assert "Taken by other operations: node-1" in refused.reason


def test_a_request_that_comes_twice_is_answered_alike(play: Play) -> None:
    story, _ = drained(play)
    story.cluster.set_node_ready("node-1", ready=False)

    def ask(dedup: str = "once", node: str = "node-1") -> Submitted | Refused:
        return story.service.return_node(ANA, NAME, node, channel="C01", dedup=dedup)

    first, again = ask(), ask()
    assert isinstance(first, Submitted)
    assert isinstance(again, Submitted)
    assert (first.created, again.created) == (True, False)
    assert first.operation == again.operation
    other = ask(node="node-2")
    assert isinstance(other, Refused)
    assert other.because == "other_request"
    until(lambda: record(story).mode == "returning", what="the way back")
    second = ask("another")  # somebody else's click: it is on its way already
    assert isinstance(second, Refused)
    assert "is returning" in second.reason


def test_a_node_that_an_aborted_drain_left_cordoned_can_be_returned_and_not_maintained(
    play: Play,
) -> None:
    story = play()
    web(story, 1, elsewhere=1)
    block(story)
    operation = story.submit("node-1")
    story.question(operation)
    until(story.evictions, what="an eviction")
    story.abort(operation)
    assert story.finish(operation).end is OperationEnd.ABORTED
    assert story.cordoned()
    refused = story.finish(maintain(story))
    assert refused.end is OperationEnd.REFUSED
    assert "node-1 is draining now" in refused.detail
    assert story.finish(give_back(story)).end is OperationEnd.DRAINED
    assert not story.cordoned()
