"""The policy's limits hold when it comes to it, not only when somebody asks."""

import pytest

from jobs.guardrails import Guardrails
from jobs.models import DrainRequest, OperationEnd, Refused
from jobs.nodes import Changed, NodeStore, Reserved
from jobs.policy import Policy
from jobs.service import Service
from jobs.workflows import choices
from sandbox.cluster import Node, Scenario
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, NAME, policy_with
from tests.jobs.story import Story
from tests.jobs.workflows.test_plan_only import planned

CONTROL = "node-role.kubernetes.io/control-plane"
LEAVE = Guardrails.model_validate({"protected_nodes": {"labels": {}}})


def three() -> Scenario:
    """Return a cluster with two nodes of the control plane and one that is none."""
    masters = [Node(name=f"cp-{n}", labels={CONTROL: ""}) for n in (1, 2)]
    return Scenario(name=NAME, nodes=(*masters, Node(name="node-1")))


def with_leave(**rule: object) -> Policy:
    return policy_with(rule={"control_plane": True, **rule})


def refusal(story: Story, policy: Policy, *names: str) -> str:
    """Ask a bot that has not looked at the nodes a moment ago."""
    request = DrainRequest(cluster=NAME, nodes=names, channel="C01")
    bot = Service(story.worker.redis, policy)
    answer = bot.submit(ANA, request, dedup=f"d{next(story.calls)}")
    assert isinstance(answer, Refused)
    return answer.reason


def test_a_node_of_the_control_plane_needs_the_policys_leave(play: Play) -> None:
    story = play(three(), guardrails=LEAVE)
    planned(story, "node-1")  # the inventory is there
    said = refusal(story, policy_with(), "cp-1")
    assert said == (
        "`cp-1` runs the control plane: the policy does not allow it. Nothing was started."
    )


def test_and_it_needs_the_guardrails_leave(play: Play) -> None:
    story = play(three(), policy=with_leave())
    view = story.finish(story.submit("cp-1"))
    assert view.end is OperationEnd.REFUSED
    assert "guardrails protect cp-1" in view.detail


def test_with_both_leaves_it_is_drained(play: Play) -> None:
    story = play(three(), guardrails=LEAVE, policy=with_leave())
    assert story.finish(story.submit("cp-1")).end is OperationEnd.DRAINED
    for names in (("cp-2",), ("cp-1", "cp-2")):
        said = refusal(story, with_leave(), *names)
        assert "Never two nodes of the control plane at once: `cp-1`, `cp-2`." in said


def test_two_requests_that_were_both_right_do_not_take_the_control_plane_down_together(
    play: Play,
) -> None:
    story = play(three(), guardrails=LEAVE, policy=with_leave(start="confirm"))
    first, second = story.submit("cp-1"), story.submit("cp-2")
    questions = [story.question(first), story.question(second)]
    for question in questions:
        story.decide(question, choices.START)
    ends = {story.finish(operation).end for operation in (first, second)}
    assert ends == {OperationEnd.DRAINED, OperationEnd.REFUSED}
    (lost,) = [v for v in map(story.view, (first, second)) if v.end is OperationEnd.REFUSED]
    assert lost.detail == (
        "Never two nodes of the control plane at once: `cp-1`, `cp-2`. Nothing was started."
    )
    cordoned = [
        name
        for name in ("cp-1", "cp-2")
        if (node := story.cluster.get("Node", "", name)) and node["spec"].get("unschedulable")
    ]
    assert len(cordoned) == 1


def test_a_share_of_a_pool_holds_when_its_other_nodes_went_meanwhile(play: Play) -> None:
    story = play(policy=policy_with(rule={"max_share_of_pool": "34%", "start": "confirm"}))
    first, second = story.submit("node-1"), story.submit("node-2")
    asked = story.question(second)
    story.decide(story.question(first), choices.START)
    assert story.finish(first).end is OperationEnd.DRAINED
    story.decide(asked, choices.START)
    view = story.finish(second)
    assert view.end is OperationEnd.REFUSED
    assert "the policy allows 1 out of service at once (34%)" in view.detail


def test_who_is_overtaken_between_looking_and_reserving_looks_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = play(three(), guardrails=LEAVE, policy=with_leave())
    seen: list[object] = []
    reserve = NodeStore.reserve

    def overtaken(self: NodeStore, *given: object, **named: object) -> object:
        if not seen:  # another operation reserves a node, right before ours does
            story.worker.store.redis.sadd(f"{story.worker.store.prefix}owned", "cp-2")
        seen.append(reserve(self, *given, **named))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(NodeStore, "reserve", overtaken)
    view = story.finish(story.submit("cp-1"))
    assert seen == [Changed()]
    assert view.end is OperationEnd.REFUSED
    assert "Never two nodes of the control plane at once" in view.detail
    story.worker.store.redis.srem(f"{story.worker.store.prefix}owned", "cp-2")
    assert story.finish(story.submit("cp-1")).end is OperationEnd.DRAINED
    assert seen[-1] == Reserved()


def test_a_plan_says_by_which_limits_the_drain_would_be_refused(play: Play) -> None:
    story = play(three(), policy=policy_with(rule={"max_nodes": 1}))
    view = planned(story, "cp-1", "cp-2")
    assert view.plan is not None
    assert view.plan.over == (
        "2 nodes are asked for: the policy allows 1 an operation here.",
        "`cp-1` runs the control plane: the policy does not allow it.",
        "`cp-2` runs the control plane: the policy does not allow it.",
        "Never two nodes of the control plane at once: `cp-1`, `cp-2`.",
    )
    assert view.end is OperationEnd.PLANNED
