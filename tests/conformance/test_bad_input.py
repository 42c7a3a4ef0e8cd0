"""What goes wrong around a drain: clear words, and nothing lost."""

import pytest

from jobs.activities import empty
from jobs.models import NodeStatus, OperationEnd
from tests.conformance import manifests
from tests.conformance.case import Case, not_checked
from tests.conformance.conftest import Begin
from tests.jobs.harness import policy_with

PATIENT = {"ask_after": "1h"}


def test_a_node_that_is_made_anew_under_its_name_is_left_alone(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "LOOK_AT_NODE", 100)
    case = begin(policy=policy_with(PATIENT))
    if case.ground.kubelet:
        not_checked("its kubelets register their nodes again")
    case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    operation = case.drain()
    case.until(lambda: case.node(operation).terminating == 1, "its eviction")
    old = case.objects.get("Node", "", case.a)
    case.objects.delete("Node", "", case.a)
    case.objects.create(manifests.node(case.a))
    view = case.people.finish(operation)
    assert view.nodes[0].status is NodeStatus.GONE
    new = case.objects.get("Node", "", case.a)
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert not case.ground.cordoned(case.a)
    assert "drainbot.dev/operation" not in (new["metadata"].get("annotations") or {})


STAGES: dict[str, str] = {
    "the plan": "GET .*/nodes/",
    "the cordon": "PATCH .*/nodes/",
    "the list": "GET .*/pods$",
    "the evictions": "POST .*/eviction$",
    "the watch": "WATCH .*/pods$",
}


@pytest.mark.parametrize("stage", STAGES)
def test_an_api_server_that_goes_away_is_waited_for_and_nothing_is_lost(
    begin: Begin, stage: str
) -> None:
    case = begin(policy=policy_with({**PATIENT, "evictions_per_second": 20.0}))
    pods = case.replicas("web", 4)
    away(case, STAGES[stage])
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert view.nodes[0].pods_gone == len(pods)
    uids = {pod["metadata"]["uid"] for pod in pods}
    assert {one.uid for one in case.tap.evictions()} == uids
    assert case.left() == []


def away(case: Case, first: str, tries: int = 3) -> None:
    """Let the API server be away from the first such request on, for so many tries."""

    def go() -> None:
        case.tap.cut(method=".*", path="^/", times=tries)
        case.tap.break_watches()

    case.tap.before(first, go)


def test_a_right_that_comes_later_lets_the_drain_go_on(case: Case) -> None:
    case.replicas("web", 1)
    who = 'User "drainbot" cannot create resource "pods/eviction" in API group ""'
    case.tap.answer(403, f'pods "web" is forbidden: {who} in the namespace "x"')
    operation = case.drain()
    asked = case.question(operation)
    assert "create pods/eviction" in asked.blocks[0].help
    case.people.decide(asked, "retry")
    assert case.people.finish(operation).end is OperationEnd.DRAINED
