"""Workloads stay well, and what a drained node means: points 5 and 6 of the drain's issue."""

from jobs.models import NodeStatus, OperationEnd, QuestionKind
from tests.conformance import manifests
from tests.conformance.case import Case, not_checked
from tests.conformance.conftest import Begin
from tests.jobs.harness import policy_with

SHORT = {"owners_well_within": "1s"}
SLACK = {"terminating_slack": "200ms"}
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


# -- 5 ----------------------------------------------------------------------------------------


def test_5_a_single_replica_goes_when_the_plan_has_named_it(case: Case) -> None:
    case.replicas("wiki", 1)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert view.plan is not None
    assert view.plan.nodes[0].single_replicas == (f"{case.ns}/wiki",)


def test_5_the_last_ready_pod_stays_until_another_one_is_ready(begin: Begin) -> None:
    case = begin(policy=policy_with({"ask_after": "1h"}))
    first, other = case.pair("db", gated=True)
    case.ground.set_ready(other, ready=False)
    operation = case.drain()
    case.until(lambda: case.node(operation).waiting_for, "that it is waited for")
    assert case.tap.evictions() == []
    case.ground.set_ready(other, ready=True)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.ground.gone(first)


def test_5_force_goes_one_at_a_time(case: Case) -> None:
    on = [case.a, case.a, case.b]
    case.ground.workload("StatefulSet", case.ns, "db", on)
    case.ground.budget(case.ns, "db", "db", minAvailable=3)
    operation = case.drain()
    asked = case.question(operation)
    case.people.decide(asked, "force", note="moved")
    view = case.people.finish(operation)
    assert view.end is OperationEnd.DRAINED
    first, second = case.tap.deletions()
    assert {first.uid, second.uid} == {each.pod.uid for each in asked.blocks}
    between = case.tap.requests("GET", f"/namespaces/{case.ns}/statefulsets/db$")
    assert any(first.at < look.at < second.at for look in between)  # its owner was looked at
    assert len(view.nodes[0].forced) == 2


def test_5_workloads_are_well_again_before_the_operation_ends(case: Case) -> None:
    case.replicas("web", 3)
    view = case.drained()
    assert view.end is OperationEnd.DRAINED
    owner = case.objects.get("ReplicaSet", case.ns, "web")
    assert owner["status"].get("readyReplicas") == 3


def test_5_a_replacement_that_can_not_be_scheduled_is_named_with_the_schedulers_reason(
    begin: Begin,
) -> None:
    case = begin(policy=policy_with(SHORT))
    case.replicas("web", 2)
    case.ground.wants("ReplicaSet", case.ns, "web", {"drainbot.dev/no-such": "node"})
    operation = case.drain()
    asked = case.question(operation)
    assert asked.kind in {QuestionKind.UNWELL, QuestionKind.REFUSAL, QuestionKind.BLOCK}
    if asked.kind is not QuestionKind.UNWELL:  # the last ready pod is asked about before
        case.people.decide(asked, "evict_anyway")
        asked = case.question(operation, asked)
    (unwell,) = asked.unwell
    assert unwell.owner.name == "web"
    assert "nodes are available" in " ".join(pod.why for pod in unwell.pods)
    case.people.decide(asked, "go_on")
    assert case.people.finish(operation).end is OperationEnd.DRAINED


def test_5_a_canary_goes_first_and_the_rest_after_its_soak(case: Case) -> None:
    case.ground.workload("ReplicaSet", case.ns, "web", [case.a, case.b, case.b, case.b])
    operation = case.drain(case.a, case.b, canary=1, soak=1)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    first, second = (next(n for n in view.nodes if n.name == name) for name in (case.a, case.b))
    assert second.started_at - first.ended_at >= 1000


def test_5_after_too_many_failures_no_other_node_begins(case: Case) -> None:
    words = f'admission webhook "guard.example.com" denied the request: {case.a} is taken'
    case.tap.answer(403, words, method="PATCH", path=f"/nodes/{case.a}$", times=None)
    operation = case.drain(case.a, case.b, max_failures=0)
    view = case.people.finish(operation)
    statuses = {node.name: node.status for node in view.nodes}
    assert statuses[case.a] is NodeStatus.FAILED
    assert not case.ground.cordoned(case.b)


# -- 6 ----------------------------------------------------------------------------------------


def test_6_a_node_is_drained_only_when_its_volumes_are_detached(begin: Begin) -> None:
    case = begin(policy=policy_with({"ask_after": "1h"}))
    case.replicas("web", 1)
    name = f"{case.ns}-volume"
    case.objects.create(manifests.attachment(name, case.a, f"{case.ns}-pv"))
    try:
        operation = case.drain()
        case.until(lambda: len(case.evicted()) == 1, "its pod's eviction")
        case.until(lambda: _looks(case), "a look at its volumes")
        assert case.people.view(operation).end is None
    finally:
        case.objects.delete("VolumeAttachment", "", name)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())


def _looks(case: Case) -> bool:
    return any("/volumeattachments" in one.path for one in case.tap.sent)


def test_6_no_wait_volumes_waits_for_none(case: Case) -> None:
    case.replicas("web", 1)
    name = f"{case.ns}-volume"
    case.objects.create(manifests.attachment(name, case.a, f"{case.ns}-pv"))
    try:
        view = case.drained(no_wait_volumes=True)
    finally:
        case.objects.delete("VolumeAttachment", "", name)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())


def test_6_who_attests_that_a_node_is_dead_lets_its_pods_go(begin: Begin) -> None:
    case = begin(policy=policy_with(SLACK))
    if case.ground.kubelet:
        not_checked("its kubelets speak for their nodes, which are Ready")
    case.replicas("web", 1)
    case.ground.set_node_ready(case.a, ready=False)
    operation = case.drain()
    asked = case.question(operation)
    assert asked.kind is QuestionKind.WONT_STOP
    assert "node_is_dead" in asked.choices
    case.people.decide(asked, "node_is_dead")
    assert case.people.finish(operation).end is OperationEnd.DRAINED
    assert OUT_OF_SERVICE in _taints(case)
    case.ground.set_node_ready(case.a, ready=True)
    assert case.people.give_back(case.a).end is OperationEnd.DRAINED
    assert OUT_OF_SERVICE not in _taints(case)


def _taints(case: Case) -> list[str]:
    return [t["key"] for t in case.objects.get("Node", "", case.a)["spec"].get("taints") or ()]
