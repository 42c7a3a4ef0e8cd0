"""Which pods a drain takes: each row of kubectl's filters, and the options that change them."""

import uuid

from jobs.models import OperationEnd, QuestionKind, RefusalReason
from tests.conformance.case import Case, not_checked
from tests.conformance.manifests import reference

MIRROR = "kubernetes.io/config.mirror"


def test_an_ordinary_pod_is_evicted_and_comes_back_elsewhere(case: Case) -> None:
    pods = case.replicas("web", 3)
    view = case.drained()
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, 3)
    assert case.left() == []
    assert all(case.ground.gone(pod) for pod in pods)
    case.until(lambda: len(case.ground.pods(case.ns, "web")) == 3, "their replacements")


def test_a_mirror_pod_is_skipped_silently(case: Case) -> None:
    if case.ground.kubelet:
        not_checked("its kubelets remove mirror pods that they have no file of")
    case.bare("static", annotations={MIRROR: "x"}, emptydir=True)
    view = case.drained()
    assert (view.end, view.questions, view.nodes[0].pods_total) == (OperationEnd.DRAINED, (), 0)
    assert case.left() == ["static"]


def test_a_daemonsets_pod_is_left_and_told_in_the_plan(case: Case) -> None:
    (pod,) = case.ground.workload("DaemonSet", case.ns, "agent", [case.a], emptydir=True)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert view.plan is not None
    assert view.plan.nodes[0].daemonset >= 1
    assert not case.ground.gone(pod)


def test_a_daemonsets_pod_is_refused_where_they_are_not_ignored(case: Case) -> None:
    case.ground.workload("DaemonSet", case.ns, "agent", [case.a])
    selector = "app=agent"  # a real node has others, whose refusal is not the case's
    operation = case.drain(ignore_daemonsets=False, pod_selector=selector)
    asked = case.question(operation)
    assert [each.reasons for each in asked.refusals] == [(RefusalReason.DAEMONSET,)]
    assert case.tap.evictions() == []
    case.people.abort(operation)
    assert case.people.finish(operation).end is OperationEnd.ABORTED
    assert not case.ground.cordoned(case.a)


def test_a_daemonsets_finished_pod_is_evicted(case: Case) -> None:
    if case.ground.name != "control plane":
        not_checked("its controllers remove finished pods of DaemonSets themselves")
    (pod,) = case.ground.workload("DaemonSet", case.ns, "agent", [case.a])
    owner = case.objects.get("DaemonSet", case.ns, "agent")
    uid = owner["metadata"]["uid"]
    finished = case.bare("done", labels={"app": "done"}, owner=reference("DaemonSet", "agent", uid))
    case.ground.finish_pod(finished)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.ground.gone(finished)
    assert not case.ground.gone(pod)


def test_a_pod_whose_daemonset_is_gone_is_refused_and_goes_under_force(case: Case) -> None:
    if case.ground.collector:
        not_checked("its garbage collector removes pods whose owner does not exist")
    orphan = case.bare("orphan", owner=reference("DaemonSet", "gone", str(uuid.uuid4())))
    operation = case.drain()
    asked = case.question(operation)
    assert [each.reasons for each in asked.refusals] == [(RefusalReason.DAEMONSET_GONE,)]
    case.people.abort(operation)
    case.people.finish(operation)
    assert case.drained(force=True).end is OperationEnd.DRAINED
    assert case.ground.gone(orphan)


def test_a_finished_pod_is_evicted_whatever_else_is_true_of_it(case: Case) -> None:
    marks = {"karpenter.sh/do-not-disrupt": "true"}
    deadline = 1 if case.ground.kubelet else None
    pod = case.bare("done", emptydir=True, annotations=marks, deadline=deadline)
    case.ground.finish_pod(pod)
    view = case.drained()
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.evicted() == ["done"]


def test_a_pod_with_an_emptydir_is_refused_and_stays(case: Case) -> None:
    pods = case.replicas("cache", 2, emptydir=True)
    operation = case.drain()
    asked = case.question(operation)
    assert asked.kind is QuestionKind.REFUSAL
    assert {each.reasons for each in asked.refusals} == {(RefusalReason.EMPTYDIR,)}
    assert {str(each.pod.uid) for each in asked.refusals} == {p["metadata"]["uid"] for p in pods}
    case.people.decide(asked, "skip")
    assert case.people.finish(operation).end is OperationEnd.PARTLY
    assert case.tap.evictions() == []
    assert not case.ground.cordoned(case.a)


def test_a_pod_with_an_emptydir_goes_under_delete_emptydir_data(case: Case) -> None:
    case.replicas("cache", 2, emptydir=True)
    view = case.drained(delete_emptydir_data=True)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert view.plan is not None
    assert view.plan.nodes[0].data_lost == (f"{case.ns}/cache",)


def test_a_pod_without_an_owner_is_refused_while_the_others_go(case: Case) -> None:
    case.ground.workload("ReplicaSet", case.ns, "web", [case.a, case.a, case.b])
    case.bare()
    operation = case.drain()
    asked = case.question(operation)
    assert [each.reasons for each in asked.refusals] == [(RefusalReason.UNMANAGED,)]
    case.until(lambda: case.left() == ["bare"], "the others' end")
    case.people.decide(asked, "evict_anyway")
    view = case.people.finish(operation)
    assert (view.end, view.nodes[0].pods_gone) == (OperationEnd.DRAINED, 3)


def test_a_pod_without_an_owner_goes_under_force(case: Case) -> None:
    pod = case.bare()
    view = case.drained(force=True)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.ground.gone(pod)


def test_a_pod_that_is_being_deleted_is_waited_for_and_not_evicted_again(case: Case) -> None:
    leaving = case.bare("leaving", finalizers=["drainbot.dev/conformance"])
    case.objects.delete("Pod", case.ns, "leaving")
    case.until(lambda: case.ground.gone(leaving), "its deletion")
    operation = case.drain()
    case.until(lambda: case.node(operation).terminating == 1, "that it is waited for")
    assert case.people.view(operation).end is None
    case.ground.release(leaving)
    view = case.people.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.tap.evictions() == []


def test_a_pod_that_has_been_terminating_for_too_long_is_not_waited_for(case: Case) -> None:
    leaving = case.bare("leaving", finalizers=["drainbot.dev/conformance"])
    case.objects.delete("Pod", case.ns, "leaving")
    case.until(lambda: case.ground.gone(leaving), "its deletion")
    view = case.drained(skip_wait_for_delete_timeout=1)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.left() == ["leaving"]
    assert case.tap.evictions() == []


def test_what_is_outside_of_the_pod_selector_is_not_looked_at(case: Case) -> None:
    case.replicas("web", 2)
    case.bare("other", emptydir=True)
    view = case.drained(pod_selector="app=web")
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert view.nodes[0].pods_total == 2
    assert case.left() == ["other"]


# -- options ---------------------------------------------------------------------------------


def test_each_pod_keeps_its_own_grace_unless_another_is_asked_for(case: Case) -> None:
    case.replicas("web", 1)
    case.drained(pod_selector="app=web")
    (own,) = case.tap.evictions()
    assert "gracePeriodSeconds" not in own.body["deleteOptions"]
    case.objects.patch("Node", "", case.a, {"spec": {"unschedulable": None}})
    case.replicas("again", 1)
    case.drained(pod_selector="app=again", grace_period=0)
    (_, shortened) = case.tap.evictions()
    assert shortened.body["deleteOptions"]["gracePeriodSeconds"] == 0


def test_disable_eviction_deletes_by_uid_past_every_budget(case: Case) -> None:
    pod = case.block()
    view = case.drained(disable_eviction=True)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    assert case.tap.evictions() == []
    assert [one.uid for one in case.tap.deletions()] == [pod["metadata"]["uid"]]


def test_a_drain_past_its_timeout_asks_and_sends_no_eviction_after_it(case: Case) -> None:
    case.replicas("web", 1, finalizers=["drainbot.dev/conformance"])
    operation = case.drain(timeout=1)
    asked = case.question(operation)
    assert asked.kind in {QuestionKind.OVERDUE, QuestionKind.WONT_STOP}
    started = case.node(operation).started_at
    assert asked.opened_at >= started + 1000
    assert all(one.at * 1000 <= started + 1000 for one in case.tap.evictions())
    case.people.abort(operation)
    case.people.finish(operation)
