"""Plans that change nothing, and one pace for a cluster: points 1, 8 and 9 of the drain's issue."""

from jobs.guardrails import Guardrails
from jobs.models import DrainOptions, OperationEnd, RefusalReason
from tests.conformance.case import Case
from tests.conformance.conftest import Begin
from tests.jobs.harness import policy_with

MANY = 12


# -- 8 ----------------------------------------------------------------------------------------


def test_8_a_plan_changes_nothing(case: Case) -> None:
    case.replicas("web", 2)
    before = case.objects.get("Node", "", case.a)["metadata"]
    operation = case.people.submit(case.a, plan_only=True)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.PLANNED, ())
    changes = [one for one in case.tap.sent if one.method not in {"GET", "WATCH"}]
    assert changes == []
    after = case.objects.get("Node", "", case.a)["metadata"]
    assert after.get("annotations") == before.get("annotations")
    assert not case.ground.cordoned(case.a)


def test_8_a_plan_tells_what_moves_what_is_refused_and_what_blocks(case: Case) -> None:
    case.replicas("web", 2)
    case.replicas("wiki", 1)
    case.replicas("cache", 1, emptydir=True)
    case.ground.workload("DaemonSet", case.ns, "agent", [case.a])
    case.bare()
    case.block()
    options = DrainOptions(delete_emptydir_data=True)
    operation = case.people.submit(case.a, plan_only=True, options=options)
    view = case.people.finish(operation)
    assert view.plan is not None
    (plan,) = view.plan.nodes
    assert plan.evict == 5
    assert plan.daemonset >= 1
    assert [each.reasons for each in plan.refusals] == [(RefusalReason.UNMANAGED,)]
    assert [(each.budget.name, each.never) for each in plan.blocks] == [("db", True)]
    assert plan.data_lost == (f"{case.ns}/cache",)
    assert set(plan.single_replicas) == {f"{case.ns}/wiki", f"{case.ns}/cache"}
    assert view.plan.room is not None
    assert view.plan.seconds >= 0
    assert view.plan.digest


def test_8_a_budget_that_only_waits_is_told_from_one_that_can_never_be_met(case: Case) -> None:
    case.hold()
    view = case.people.finish(case.people.submit(case.a, plan_only=True))
    assert view.plan is not None
    (block,) = view.plan.nodes[0].blocks
    assert (block.budget.name, block.never) == ("db", False)


# -- 9 ----------------------------------------------------------------------------------------


def test_9_two_operations_share_one_rate(begin: Begin) -> None:
    case = begin(policy=policy_with({"evictions_per_second": 5.0}))
    case.ground.workload("ReplicaSet", case.ns, "web", [case.a] * 3 + [case.b] * 3 + [case.c])
    operations = [case.drain(case.a), case.drain(case.b)]
    for operation in operations:
        assert case.people.finish(operation).end is OperationEnd.DRAINED
    times = sorted(one.at for one in case.tap.evictions())
    assert len(times) >= 6
    assert times[-1] - times[0] >= (len(times) - 2) / 5.0  # a burst of one


def test_9_the_guardrails_rate_holds_below_the_policys(begin: Begin) -> None:
    case = begin(guardrails=Guardrails(max_evictions_per_second=5))
    case.replicas("web", 5)
    assert case.drained().end is OperationEnd.DRAINED
    times = [one.at for one in case.tap.evictions()]
    assert times[-1] - times[0] >= 3 / 5.0


def test_9_no_eviction_is_sent_while_too_many_calls_fail_and_it_is_said(begin: Begin) -> None:
    case = begin(policy=policy_with({"ask_after": "1h"}))
    case.replicas("web", MANY)
    case.tap.answer(500, "etcd is ill", times=None)
    operation = case.drain()

    def said(what: str) -> bool:
        return any(entry.what == what for entry in case.people.view(operation).log)

    case.until(lambda: said("braked"), "the brake")
    case.tap.clear()
    view = case.people.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert said("unbraked")
