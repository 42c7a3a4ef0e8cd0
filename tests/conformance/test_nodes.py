"""What a node tells while drainbot has it, and whose it is: point 7 of the drain's issue."""

from typing import Any

import pytest

from jobs.activities import empty
from jobs.drain.fence import HANDS_OFF
from jobs.models import NodeStatus, OperationEnd, OrphanView, Submitted
from tests.conformance.api import Json
from tests.conformance.case import Case, not_checked
from tests.conformance.conftest import Begin
from tests.jobs.harness import ANA, NAME, policy_with

THREAD = "https://example.slack.com/archives/C01/p1"
KURED = "weave.works/kured-reboot-in-progress"


def node(case: Case) -> Json:
    return case.objects.get("Node", "", case.a)


def conditions(case: Case) -> dict[str, str]:
    found = node(case)["status"].get("conditions") or ()
    return {each["type"]: each["status"] for each in found}


def marks(case: Case) -> dict[str, str]:
    return dict(node(case)["metadata"].get("annotations") or {})


def test_7_a_node_tells_who_drains_it_since_when_why_and_where(case: Case) -> None:
    case.block()
    operation = case.people.submit(case.a, reason="kernel update")
    case.people.service.note_thread(operation, THREAD)
    case.question(operation)
    case.until(lambda: conditions(case).get("DrainInProgress") == "True", "the condition")
    said = marks(case)
    assert said["drainbot.dev/operation"] == operation
    assert (said["drainbot.dev/requested-by"], said["drainbot.dev/reason"]) == (
        ANA.id, "kernel update",
    )  # fmt: skip
    assert said["drainbot.dev/since"]
    case.until(lambda: THREAD in marks(case).values(), "where people talk about it")
    case.people.abort(operation)
    case.people.finish(operation)


def test_7_conditions_leave_those_of_the_kubelet_alone(case: Case) -> None:
    before = conditions(case)
    case.replicas("web", 1)
    assert case.drained().end is OperationEnd.DRAINED
    case.until(lambda: conditions(case).get("Drained") == "True", "the condition")
    after = conditions(case)
    assert {kind: after.get(kind) for kind in before} == before
    assert after["DrainInProgress"] == "False"


def test_7_events_tell_the_story_of_a_node(case: Case) -> None:
    case.replicas("web", 1)
    uid = node(case)["metadata"]["uid"]
    case.drained()

    def reasons() -> set[str]:
        events = case.objects.listed("Event", "default", field=f"involvedObject.name={case.a}")
        return {e["reason"] for e in events if e["involvedObject"].get("uid") in {uid, case.a}}

    case.until(lambda: {"DrainStarted", "Drained"} <= reasons(), "its Events")


def test_7_autoscalers_keep_their_hands_off_while_the_node_is_ours(case: Case) -> None:
    theirs, ours = HANDS_OFF
    case.objects.patch("Node", "", case.a, {"metadata": {"annotations": {theirs: "true"}}})
    case.drained()
    assert HANDS_OFF.items() <= marks(case).items()
    case.people.give_back(case.a)
    left = marks(case)
    assert left.get(theirs) == "true"  # it was there before us
    assert ours not in left


@pytest.mark.parametrize(("mark", "tool"), [(KURED, "kured")])
def test_7_a_node_with_another_tools_mark_is_refused_naming_it(
    case: Case, mark: str, tool: str
) -> None:
    case.replicas("web", 1)
    case.objects.patch("Node", "", case.a, {"metadata": {"annotations": {mark: "x"}}})
    view = case.drained()
    assert view.end in {OperationEnd.REFUSED, OperationEnd.FAILED}
    assert tool in view.detail + view.nodes[0].detail
    assert case.tap.evictions() == []
    assert not case.ground.cordoned(case.a)


@pytest.mark.parametrize("expected", [True, False])
def test_7_a_node_that_disappears_ends_as_gone(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 100)
    case = begin(policy=policy_with({"ask_after": "1h"}))
    if case.ground.kubelet:
        not_checked("its kubelets register their nodes again")
    case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    operation = case.drain(expect_gone=expected)
    case.until(lambda: case.node(operation).terminating == 1, "its eviction")
    case.objects.delete("Node", "", case.a)
    view = case.people.finish(operation)
    assert view.nodes[0].status is NodeStatus.GONE
    assert (view.end is OperationEnd.DRAINED) is expected


def test_7_cordons_without_an_operation_are_found_and_undone(case: Case) -> None:
    operation = case.people.submit(case.a, reason="kernel update")
    case.people.finish(operation)
    case.people.worker.redis.flushdb()
    found = look(case)
    assert (found.node, found.operation, found.reason) == (case.a, operation, "kernel update")
    assert case.ground.cordoned(case.a)
    assert look(case, case.a).undone
    assert not case.ground.cordoned(case.a)


def look(case: Case, *undo: str) -> OrphanView:
    people: Any = case.people
    asked = people.service.orphans.ask(
        ANA, NAME, undo=undo, channel="C01", dedup=f"o{next(people.calls)}"
    )
    assert isinstance(asked, Submitted), asked
    found = case.until(lambda: people.service.orphans.answer(asked.operation), "the orphans")
    (orphan,) = [each for each in found.orphans if each.node == case.a]
    view: OrphanView = orphan
    return view
