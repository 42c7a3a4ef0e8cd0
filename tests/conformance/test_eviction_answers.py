"""What the eviction API answers, and what a drain makes of it: each row of that table."""

from typing import Any

import pytest

from jobs.models import OperationEnd, QuestionKind, Verdict
from tests.conformance.api import Json
from tests.conformance.case import Case
from tests.conformance.conftest import Begin
from tests.jobs.harness import policy_with

PATIENT = {"ask_after": "1h"}


def only(found: tuple[Any, ...]) -> Any:
    (one,) = found
    return one


def test_an_accepted_pod_is_waited_for_until_it_is_gone(case: Case) -> None:
    (pod,) = case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    operation = case.drain()
    case.until(lambda: case.node(operation).terminating == 1, "its eviction")
    assert case.people.view(operation).end is None
    case.ground.release(pod)
    assert case.people.finish(operation).end is OperationEnd.DRAINED
    assert len(case.tap.evictions()) == 1


def test_an_eviction_that_was_accepted_already_is_accepted_again(case: Case) -> None:
    (pod,) = case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    case.tap.cut(carried_out=True)  # the answer is lost: it is asked again while it terminates
    operation = case.drain()
    case.until(lambda: case.node(operation).terminating == 1, "its eviction")
    case.ground.release(pod)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert {one.uid for one in case.tap.evictions()} == {pod["metadata"]["uid"]}


def test_a_budget_that_refuses_is_named_with_its_counts(case: Case) -> None:
    pod = case.block()
    asked = case.question(case.drain())
    assert asked.kind is QuestionKind.BLOCK
    block = only(asked.blocks)
    budget = only(block.budgets)
    assert (block.kind, block.verdict, block.pod.uid) == (
        "budget", Verdict.NEVER, pod["metadata"]["uid"],
    )  # fmt: skip
    assert (budget.name, budget.current_healthy, budget.desired_healthy) == ("db", 2, 2)
    assert "db" in block.message


def test_a_budget_that_waits_for_a_pod_is_waited_for_and_resumes_the_drain(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    held, other = case.hold()
    operation = case.drain()
    case.until(lambda: case.node(operation).waiting_for, "that it is shown as blocked")
    assert case.people.view(operation).questions == ()
    case.ground.set_ready(other, ready=True)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.ground.gone(held)


def test_a_budget_whose_status_is_not_up_to_date_is_asked_again_when_it_says(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    case.replicas("web", 1)
    cause = "The disruption budget web is still being processed by the server."
    case.tap.answer(429, "no", causes={"DisruptionBudget": cause}, retry_after=1)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    refused, accepted = case.tap.evictions()
    assert accepted.at - refused.at >= 1


def test_a_server_that_throttles_is_given_time_and_is_no_budget(begin: Begin) -> None:
    case = begin()
    case.replicas("web", 1)
    case.tap.answer(429, "too many requests, please try again later", retry_after=1)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    refused, accepted = case.tap.evictions()
    assert accepted.at - refused.at >= 1


def test_two_budgets_on_a_pod_are_asked_about_at_once_and_both_named(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    case.replicas("web", 2)
    for name in ("one", "two"):
        case.ground.budget(case.ns, name, "web", minAvailable=0)
    operation = case.drain()
    asked = case.question(operation)
    assert {each.kind for each in asked.blocks} == {"two_budgets"}
    assert {budget.name for each in asked.blocks for budget in each.budgets} == {"one", "two"}
    case.objects.delete("PodDisruptionBudget", case.ns, "two")
    assert case.people.finish(operation).end is OperationEnd.DRAINED


def test_a_pod_that_is_gone_when_its_eviction_comes_is_done(case: Case) -> None:
    pod = case.bare("brief")
    removed = gone_before_its_eviction(case, pod)
    view = case.drained(force=True)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert removed == ["removed"]
    assert 404 in [one.status for one in case.tap.evictions()]


def gone_before_its_eviction(case: Case, pod: Json) -> list[str]:
    done: list[str] = []

    def remove() -> None:
        name = pod["metadata"]["name"]
        case.objects.delete("Pod", case.ns, name, grace=0)
        case.until(lambda: case.objects.find("Pod", case.ns, name) is None, "its end")
        done.append("removed")

    case.tap.before("POST .*/eviction$", remove)
    return done


def test_another_pod_under_the_same_name_means_that_the_one_meant_is_gone(case: Case) -> None:
    old, _ = case.pair()

    def made_anew() -> None:
        case.objects.delete("Pod", case.ns, "db-0", grace=0)
        case.until(lambda: anew(case, old), "its successor")

    case.tap.before("POST .*/eviction$", made_anew)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert 409 in [one.status for one in case.tap.evictions()]
    assert not case.ground.gone(anew(case, old))  # type: ignore[arg-type]


def anew(case: Case, old: Json) -> Json | None:
    """The pod that has the name of another now, once it has a node."""
    found = case.objects.find("Pod", case.ns, old["metadata"]["name"])
    if found is None or found["metadata"]["uid"] == old["metadata"]["uid"]:
        return None
    return found if found["spec"].get("nodeName") else None


def test_a_pod_of_an_ending_namespace_is_waited_for(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    (pod,) = case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    case.tap.before("POST .*/eviction$", lambda: case.objects.delete("Namespace", "", case.ns))
    operation = case.drain()
    case.until(lambda: 403 in [one.status for one in case.tap.evictions()], "the refusal")
    assert case.people.view(operation).questions == ()
    case.objects.delete("Pod", case.ns, "web", grace=0)
    case.objects.delete("Pod", case.ns, pod["metadata"]["name"], grace=0)
    case.ground.release(pod)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())


def test_a_missing_right_is_asked_about_and_named(case: Case) -> None:
    case.replicas("web", 1)
    who = 'User "system:serviceaccount:drainbot:worker" cannot create resource "pods/eviction"'
    where = f'in API group "" in the namespace "{case.ns}"'
    case.tap.answer(403, f'pods "web" is forbidden: {who} {where}', times=None)
    asked = case.question(case.drain())
    block = only(asked.blocks)
    assert (block.kind, block.verdict) == ("rbac", Verdict.NEVER)
    assert "create pods/eviction" in block.help


def test_an_admission_webhook_is_asked_about_and_named(case: Case) -> None:
    case.replicas("web", 1)
    words = 'admission webhook "guard.example.com" denied the request: not in office hours'
    case.tap.answer(403, words, times=None)
    block = only(case.question(case.drain()).blocks)
    assert (block.kind, block.verdict) == ("webhook", Verdict.NEVER)
    assert "guard.example.com" in block.message


@pytest.mark.parametrize(
    "why",
    [
        "pdb disruptions allowed is negative",
        "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
    ],
)
def test_a_budget_with_an_impossible_status_is_asked_about_and_named(
    begin: Begin, why: str
) -> None:
    case = begin(policy=policy_with())
    case.replicas("web", 1)
    case.ground.budget(case.ns, "web", "web", minAvailable=1)
    words = f'poddisruptionbudget.policy "web" is forbidden: {why}'
    case.tap.answer(403, words, times=None, name="web")
    block = only(case.question(case.drain()).blocks)
    assert block.kind == "budget_broken"
    assert [budget.name for budget in block.budgets] == ["web"]


@pytest.mark.parametrize("fault", ["500", "503", "cut", "answer lost"])
def test_a_passing_error_is_tried_again_with_the_uid(case: Case, fault: str) -> None:
    pods = case.replicas("web", 1)
    if fault.isdigit():
        case.tap.answer(int(fault), "etcdserver: request timed out")
    else:
        case.tap.cut(carried_out=fault == "answer lost")
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    uids = {one.uid for one in case.tap.evictions()}
    assert uids == {pod["metadata"]["uid"] for pod in pods}


def test_an_unready_pod_goes_where_its_budget_lets_unready_pods_go(case: Case) -> None:
    (pod,) = case.replicas("web", 1, gated=True)
    case.ground.budget(
        case.ns, "web", "web", minAvailable=1, unhealthyPodEvictionPolicy="AlwaysAllow"
    )
    case.ground.set_ready(pod, ready=False)
    operation = case.drain()
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.ground.gone(pod)
