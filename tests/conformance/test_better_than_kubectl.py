"""Where kubectl is wrong or slow: each of the nine improvements, by its number in the facts."""

from jobs.models import NodeStatus, OperationEnd, QuestionKind, Verdict
from tests.conformance.case import Case
from tests.conformance.conftest import Begin
from tests.jobs.harness import policy_with

PATIENT = {"ask_after": "1h"}


def test_1_a_pod_that_was_recreated_elsewhere_is_never_evicted_there(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    held, other = case.hold()
    operation = case.drain()
    case.until(lambda: 429 in [one.status for one in case.tap.evictions()], "the refusal")
    case.objects.delete("Pod", case.ns, "db-0", grace=0)  # its successor starts on another node
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert {one.uid for one in case.tap.evictions()} == {held["metadata"]["uid"]}
    successor = case.until(lambda: case.objects.find("Pod", case.ns, "db-0"), "its successor")
    assert not case.ground.gone(successor)
    assert not case.ground.gone(other)


def test_2_where_cordoning_is_forbidden_nothing_is_evicted_and_the_right_is_named(
    case: Case,
) -> None:
    case.replicas("web", 2)
    who = 'User "drainbot" cannot patch resource "nodes" in API group "" at the cluster scope'
    words = f'nodes "{case.a}" is forbidden: {who}'
    case.tap.answer(403, words, method="PATCH", path="/nodes/", times=None)
    operation = case.drain()
    view = case.people.finish(operation)
    assert (view.end, view.nodes[0].status) == (OperationEnd.FAILED, NodeStatus.FAILED)
    assert "patch nodes" in view.nodes[0].detail
    assert case.tap.evictions() == []
    assert not case.ground.cordoned(case.a)


def test_3_errors_while_it_waits_for_a_pod_are_tolerated(case: Case) -> None:
    (pod,) = case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    operation = case.drain()
    case.until(lambda: case.node(operation).terminating == 1, "its eviction")
    case.tap.answer(500, "etcd leader changed", method="GET|WATCH", path="/pods$", times=3)
    case.tap.break_watches()
    case.until(lambda: len(case.tap.requests("WATCH", "/api/v1/pods$")) >= 2, "another watch")
    case.ground.release(pod)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert len(case.tap.evictions()) == 1


def test_4_no_eviction_is_sent_after_the_deadline(begin: Begin) -> None:
    case = begin(policy=policy_with({**PATIENT, "evictions_per_second": 2.0}))
    case.replicas("web", 6)
    operation = case.drain(timeout=1)
    asked = case.question(operation)
    assert asked.kind is QuestionKind.OVERDUE
    started = case.node(operation).started_at
    assert asked.opened_at >= started + 1000
    sent = [one.at * 1000 for one in case.tap.evictions()]
    assert 0 < len(sent) < 6
    assert max(sent) <= started + 1000 + 100  # one that got its leave in time may still leave


def test_5_a_budget_that_can_never_be_met_is_named_and_asked_about_at_once(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    case.block()
    operation = case.drain()
    asked = case.question(operation)
    (block,) = asked.blocks
    assert block.verdict is Verdict.NEVER
    assert [budget.name for budget in block.budgets] == ["db"]
    assert len(case.tap.evictions()) <= 2
    case.people.abort(operation)
    assert case.people.finish(operation).end is OperationEnd.ABORTED


def test_6_a_pod_costs_one_request_and_all_of_them_one_watch(case: Case) -> None:
    count = 30
    case.replicas("web", count)
    view = case.drained()
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, count)
    assert len(case.tap.evictions()) == count
    assert len(case.tap.requests("WATCH", "/api/v1/pods$")) == 1
    about_pods = [one for one in case.tap.sent if "/pods" in one.path]
    assert len(about_pods) <= 1.2 * count + 1


def test_7_pods_under_a_budget_of_one_go_as_fast_as_it_lets_them(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    count = 8
    case.replicas("web", count)
    case.ground.budget(case.ns, "web", "web", maxUnavailable=1)
    case.allows("web", 1)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    refused = [one for one in case.tap.evictions() if one.status == 429]
    assert len(case.evicted()) == count
    assert len(refused) <= count // 4


def test_8_a_node_that_was_cordoned_before_stays_cordoned(case: Case) -> None:
    case.replicas("web", 1)
    case.objects.patch("Node", "", case.a, {"spec": {"unschedulable": True}})
    view = case.drained()
    assert view.end is OperationEnd.DRAINED
    assert view.nodes[0].cordoned_before
    given = case.people.give_back(case.a)
    assert given.end is OperationEnd.DRAINED
    assert case.ground.cordoned(case.a)


def test_8_our_own_cordon_is_undone(case: Case) -> None:
    case.drained()
    assert case.ground.cordoned(case.a)
    assert case.people.give_back(case.a).end is OperationEnd.DRAINED
    assert not case.ground.cordoned(case.a)


def test_9_a_blocked_pod_is_not_asked_for_again_and_again(begin: Begin) -> None:
    case = begin(policy=policy_with(PATIENT))
    _, other = case.hold()
    operation = case.drain()
    case.until(lambda: case.people.suspended(operation), "that it waits without a slot")
    tried = len(case.tap.evictions())
    assert tried <= 2  # in the seconds until it rests
    case.ground.set_ready(other, ready=True)
    assert case.people.finish(operation).end is OperationEnd.DRAINED
    assert len(case.tap.evictions()) <= tried + 2
