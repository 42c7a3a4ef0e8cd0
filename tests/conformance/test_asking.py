"""What people are asked, in words that help: points 2, 3 and 4 of the drain's issue."""

from jobs.models import OperationEnd, Outcome, QuestionKind, RefusalReason, Verdict
from tests.conformance.case import Case
from tests.conformance.conftest import Begin
from tests.jobs.harness import policy_with

MARKS = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
R = RefusalReason


# -- 2: refusals ------------------------------------------------------------------------------


def test_2_all_refusals_are_one_question_with_every_reason(case: Case) -> None:
    case.bare("bare", emptydir=True)
    case.replicas("spared", 1, annotations=MARKS)
    asked = case.question(case.drain())
    assert asked.kind is QuestionKind.REFUSAL
    reasons = {each.pod.name.partition("-")[0]: set(each.reasons) for each in asked.refusals}
    assert reasons["bare"] == {R.UNMANAGED, R.EMPTYDIR}
    assert reasons["spared"] >= {R.DO_NOT_DISRUPT, R.NOT_SAFE_TO_EVICT}
    assert case.tap.evictions() == []


def test_2_a_mark_that_spares_a_pod_is_heeded_under_force_too(case: Case) -> None:
    case.replicas("spared", 2, annotations=MARKS)
    asked = case.question(case.drain(force=True, delete_emptydir_data=True))
    assert {each.reasons for each in asked.refusals} == {(R.DO_NOT_DISRUPT, R.NOT_SAFE_TO_EVICT)}


def test_2_long_work_is_refused_once_it_is_long(begin: Begin) -> None:
    case = begin(policy=policy_with({"long_work": "1s"}))
    (pod,) = case.ground.workload("Job", case.ns, "batch", [case.a])
    now = case.people.worker.store.now
    began = now()
    case.until(lambda: now() - began > 2000, "work that is long")
    asked = case.question(case.drain())
    assert [each.reasons for each in asked.refusals] == [(R.LONG_WORK,)]
    case.people.decide(asked, "evict_anyway")
    case.until(lambda: case.ground.gone(pod), "its eviction")


def test_2_what_the_plan_refuses_is_asked_before_anything_is_touched(begin: Begin) -> None:
    case = begin(policy=policy_with(rule={"start": "confirm"}))
    case.bare()
    operation = case.drain()
    asked = case.question(operation)
    assert asked.kind is QuestionKind.START
    assert [each.reasons for each in asked.refusals] == [(R.UNMANAGED,)]
    assert not case.ground.cordoned(case.a)
    assert case.tap.evictions() == []


def test_2_evict_anyway_stays_within_the_budgets(case: Case) -> None:
    case.bare()
    case.ground.budget(case.ns, "bare", "bare", minAvailable=1)
    operation = case.drain()
    refused = case.question(operation)
    case.people.decide(refused, "evict_anyway")
    blocked = case.question(operation, refused)
    assert blocked.kind is QuestionKind.BLOCK
    assert [each.budgets[0].name for each in blocked.blocks] == ["bare"]
    assert case.left() == ["bare"]
    assert case.tap.deletions() == []


# -- 3: why it is blocked ---------------------------------------------------------------------


def test_3_a_block_names_the_owner_the_counts_and_what_would_help(case: Case) -> None:
    case.block()
    (block,) = case.question(case.drain()).blocks
    (budget,) = block.budgets
    assert block.verdict is Verdict.NEVER
    assert block.owner is not None
    assert (block.owner.kind, block.owner.name, block.owner.replicas) == ("StatefulSet", "db", 2)
    assert (budget.spec, budget.expected_pods, budget.disruptions_allowed) == (
        "minAvailable 2", 2, 0,
    )  # fmt: skip
    assert block.help


def test_3_a_block_that_may_pass_names_the_pods_that_it_waits_for(begin: Begin) -> None:
    case = begin(policy=policy_with())
    _, other = case.hold()
    (block,) = case.question(case.drain()).blocks
    assert block.verdict is Verdict.MAY_PASS
    assert other["metadata"]["name"] in str(block.not_ready)


def test_3_another_operation_that_holds_the_budget_is_named(begin: Begin) -> None:
    case = begin(policy=policy_with({"owners_well_within": "1h"}))
    on = [case.a, case.b, case.c]
    case.ground.workload("StatefulSet", case.ns, "db", on, finalizers=["drainbot.dev/conformance"])
    case.ground.budget(case.ns, "db", "db", maxUnavailable=1)
    case.allows("db", 1)
    first = case.drain(case.a)
    case.until(lambda: len(case.evicted()) == 1, "the first operation's eviction")
    case.allows("db", 0)
    second = case.drain(case.b)
    (block,) = case.question(second).blocks
    assert first in str(block.model_dump())


# -- 4: the watcher ---------------------------------------------------------------------------


def test_4_a_budget_that_frees_itself_closes_the_question_and_resumes_the_drain(
    begin: Begin,
) -> None:
    case = begin(policy=policy_with())
    case.hold()
    operation = case.drain()
    asked = case.question(operation)
    (other,) = [p for p in case.ground.pods(case.ns, "db") if p["metadata"]["name"] == "db-1"]
    case.ground.set_ready(other, ready=True)
    view = case.people.finish(operation)
    assert view.end is OperationEnd.DRAINED
    assert view.questions[0].closed_because == "no_longer_needed"
    assert case.people.decide(asked, "force", note="late").outcome is Outcome.CLOSED
    assert case.tap.deletions() == []


def test_4_who_answers_second_is_told_who_was_first(case: Case) -> None:
    case.block()
    operation = case.drain()
    asked = case.question(operation)
    people = case.people
    assert people.decide(asked, "skip").outcome is Outcome.SETTLED
    assert people.decide(asked, "force", note="x").outcome is Outcome.ALREADY_SETTLED
    assert people.finish(operation).end is OperationEnd.PARTLY
