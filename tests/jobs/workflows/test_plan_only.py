"""`--plan`: what a drain would do, told without doing any of it."""

from typing import Any

import pytest

from jobs.guardrails import Guardrails
from jobs.models import (
    DrainOptions,
    DrainRequest,
    NodePlan,
    OperationEnd,
    OperationView,
    Refused,
    Room,
)
from sandbox.cluster import Node, Scenario, nodes
from tests.jobs.conftest import Play
from tests.jobs.harness import EVE, NAME, policy_with
from tests.jobs.story import Story, allowed, block, counted, hold, web

READS = frozenset({"get", "list", "watch"})


def planned(story: Story, *names: str, **fields: Any) -> OperationView:
    view = story.finish(story.submit(*(names or ("node-1",)), plan_only=True, **fields))
    assert view.plan is not None, view
    return view


def node_of(view: OperationView, name: str = "node-1") -> NodePlan:
    assert view.plan is not None
    return next(node for node in view.plan.nodes if node.name == name)


def room_of(view: OperationView) -> Room:
    assert view.plan is not None
    assert view.plan.room is not None
    return view.plan.room


def test_a_plan_changes_nothing_and_asks_nobody(play: Play) -> None:
    wants_all = {"start": "confirm", "approve": {"by": ["sre"], "votes": 1}}
    story = play(policy=policy_with(rule=wants_all))
    web(story, 2)
    before = story.cluster.get("Node", "", "node-1")
    view = planned(story)
    assert view.end is OperationEnd.PLANNED
    assert (view.questions, view.log) == ((), ())
    assert {asked.partition(" ")[0] for asked in story.cluster.counters()} <= READS
    assert not story.cluster.requests()  # what changes something
    assert story.cluster.get("Node", "", "node-1") == before
    assert story.worker.resources.nodes.owned() == ()
    assert story.worker.resources.nodes.record("node-1") is None


def test_it_says_what_moves_what_is_refused_and_what_is_left(play: Play) -> None:
    story = play()
    cluster = story.cluster
    web(story, 3)
    cluster.add_workload("DaemonSet", "kube-system", "agent")
    cluster.add_workload("Pod", "ops", "bare", on=["node-1"])
    cluster.add_workload("Deployment", "shop", "cart", on=["node-1"])
    cluster.add_workload("Deployment", "shop", "cache", replicas=2, on=["node-1"], emptydir=True)
    plan = node_of(planned(story, options=DrainOptions(delete_emptydir_data=True)))
    assert (plan.evict, plan.daemonset) == (6, 1)
    assert [str(refusal.pod) for refusal in plan.refusals] == ["ops/bare"]
    assert plan.single_replicas == ("shop/cart",)
    assert plan.data_lost == ("shop/cache",)


def test_pods_of_a_daemonset_that_is_gone_are_refused_in_the_plan_already(play: Play) -> None:
    story = play()
    gone = {"kind": "DaemonSet", "name": "old"}
    story.cluster.add_workload("Pod", "kube-system", "old-1", on=["node-1"], owner=gone)
    plan = node_of(planned(story))
    assert [refusal.reasons for refusal in plan.refusals] == [("daemonset_gone",)]
    assert plan.daemonset == 0


def test_budgets_that_block_now_are_told_from_those_that_can_never_be_met(play: Play) -> None:
    story = play()
    block(story, namespace="payments", app="db")
    both = ["node-1", "node-2"]
    story.cluster.add_workload("StatefulSet", "jobs", "queue", replicas=2, parallel=True, on=both)
    story.cluster.add_budget("jobs", "queue", min_available=1, match_labels={"app": "queue"})
    counted(story, "jobs", "queue", 2)
    story.cluster.set_ready("jobs", "queue-1", ready=False)
    allowed(story, "jobs", "queue", 0)
    blocks = node_of(planned(story)).blocks
    assert {(str(each.pod), each.never) for each in blocks} == {
        ("payments/db-0", True),
        ("jobs/queue-0", False),
    }


def test_a_plan_needs_the_right_to_ask_for_the_drain(play: Play) -> None:
    story = play()
    planned(story)  # somebody who may
    request = DrainRequest(cluster=NAME, nodes=("node-1",), channel="C01", plan_only=True)
    assert isinstance(story.service.submit(EVE, request, dedup="eve"), Refused)


def test_a_node_that_another_operation_drains_can_be_planned_and_the_plan_names_it(
    play: Play,
) -> None:
    story = play()
    hold(story)
    running = story.submit("node-1")
    story.question(running)
    plan = node_of(planned(story))
    assert plan.taken_by == f"op {running.rpartition('-')[2].upper()}"
    assert story.view(running).end is None
    story.abort(running)
    story.finish(running)
    assert node_of(planned(story)).taken_by == ""


def test_what_the_guardrails_refuse_stands_in_the_plan(play: Play) -> None:
    protected = {"labels": {"role": "gateway"}}
    story = play(
        nodes("node-1", "node-2", "node-3"),
        guardrails=Guardrails.model_validate({"max_nodes_away": 1, "protected_nodes": protected}),
    )
    story.cluster.patch("Node", "", "node-2", {"metadata": {"labels": {"role": "gateway"}}})
    view = planned(story, "node-1", "node-2")
    assert view.plan is not None
    assert (view.plan.too_many_away, view.plan.away, view.plan.max_away) == (True, 0, 1)
    assert "guardrails protect node-2" in node_of(view, "node-2").refused
    assert node_of(view).refused == ""


def test_a_drain_that_the_guardrails_refuse_is_refused_before_anybody_is_asked(play: Play) -> None:
    story = play(
        guardrails=Guardrails(max_nodes_away=1), policy=policy_with(rule={"start": "confirm"})
    )
    view = story.finish(story.submit("node-1", "node-2"))
    assert (view.end, view.questions) == (OperationEnd.REFUSED, ())
    assert "guardrails allow 1" in view.detail


def sized(*free: Node) -> Scenario:
    return Scenario(name="sized", nodes=(Node(name="node-1", cpu="32"), *free))


def test_it_says_that_the_pods_fit_on_the_other_nodes(play: Play) -> None:
    story = play(sized(Node(name="node-2", cpu="4"), Node(name="node-3", cpu="4")))
    web(story, 3, requests={"cpu": "2"})
    assert room_of(planned(story)) == Room(fits=True)


@pytest.mark.parametrize(
    "other",
    [
        {"unschedulable": True},
        {"ready": False},
    ],
)
def test_nodes_that_take_no_pods_have_no_room(play: Play, other: dict[str, bool]) -> None:
    story = play(sized(Node(name="node-2", cpu="4"), Node(name="node-3", cpu="9", **other)))
    web(story, 3, requests={"cpu": "2"})
    assert room_of(planned(story)) == Room(fits=False, short_cpu=2000)


def test_nor_has_a_tainted_one_and_finished_pods_take_nothing(play: Play) -> None:
    story = play(sized(Node(name="node-2", cpu="4"), Node(name="node-3", cpu="9")))
    taint = {"key": "pool", "value": "gpu", "effect": "NoSchedule"}
    story.cluster.patch("Node", "", "node-3", {"spec": {"taints": [taint]}})
    story.cluster.add_workload("Pod", "ops", "done", on=["node-2"], requests={"cpu": "4"})
    ended = {"status": {"phase": "Succeeded"}}
    story.cluster.patch("Pod", "ops", "done", ended, subresource="status")
    web(story, 2, requests={"cpu": "2"})
    assert room_of(planned(story)) == Room(fits=True)
    more = {"requests": {"cpu": "500m"}}
    story.cluster.add_workload("Deployment", "shop", "more", on=["node-1"], **more)
    assert room_of(planned(story)) == Room(fits=False, short_cpu=500)


def test_the_question_of_a_real_drain_tells_room_and_time_too(play: Play) -> None:
    story = play(policy=policy_with(rule={"start": "confirm"}))
    web(story, 2)
    operation = story.submit("node-1")
    story.question(operation)
    plan = story.view(operation).plan
    assert plan is not None
    assert plan.room == Room(fits=True)
    assert plan.seconds > 0


def test_a_drain_that_starts_at_once_does_not_read_the_whole_cluster(play: Play) -> None:
    story = play()
    web(story, 2)
    view = story.finish(story.submit("node-1"))
    assert view.end is OperationEnd.DRAINED
    assert view.plan is not None
    assert view.plan.room is None
