from typing import Any

import pytest

from jobs.drain.answers import (
    Blocked,
    BudgetBroken,
    Busy,
    MissingRight,
    NamespaceEnding,
    TwoBudgets,
    Webhook,
)
from jobs.drain.blocks import block_of, is_never, never, not_ready_of
from jobs.drain.facts import Owner
from jobs.drain.filters import Fate, Judgement
from jobs.drain.pacing import Entry, Kept
from jobs.models import Verdict
from tests.jobs.drain.making import NOW, budget, pod

DB: dict[str, Any] = {
    "min_available": 3,
    "desired_healthy": 3,
    "current_healthy": 3,
    "expected_pods": 3,
}
REFUSED = Blocked("db", "The disruption budget db needs 3 healthy pods and has 3 currently", 3, 3)


def db_owner(replicas: int = 3, **fields: Any) -> Owner:
    given: dict[str, Any] = {"kind": "StatefulSet", "name": "db", "ready": replicas}
    return Owner(uid="uid-db", namespace="shop", replicas=replicas, **{**given, **fields})


def kept(answer: Any, **fields: Any) -> Kept:
    subject = pod("db-2", **fields)
    return Kept(Entry(pod=subject, judgement=Judgement(Fate.EVICT), seen=NOW), answer, NOW + 7)


def test_a_budget_that_needs_all_pods_can_never_be_met_and_scaling_helps() -> None:
    block = block_of(kept(REFUSED), budgets=[budget("db", app="db", **DB)], owner=db_owner())
    assert (block.kind, block.verdict, block.since) == ("budget", Verdict.NEVER, NOW + 7)
    assert block.help == "Scaling db to 4 would, and the drain then goes on alone."
    assert block.budgets[0].spec == "minAvailable 3"
    assert block.owner is not None
    assert block.owner.replicas == 3
    assert block.message == REFUSED.message
    assert is_never(kept(REFUSED), [budget("db", app="db", **DB)])


def test_a_budget_that_waits_for_a_pod_names_it_and_may_pass() -> None:
    counts: dict[str, Any] = {**DB, "min_available": 2, "desired_healthy": 2, "current_healthy": 2}
    pods = [
        pod("db-0"),
        pod("db-1", ready=False, phase="Pending"),
        pod("db-9", ready=False, phase="Failed"),
        pod("db-8", ready=False, deletion=NOW),
        pod("web-1", ready=False),
    ]
    waiting = budget("db", app="db", **counts)
    names = not_ready_of(waiting, pods)
    assert names == ("shop/db-1",)
    block = block_of(kept(REFUSED), budgets=[waiting], owner=db_owner(), not_ready=names)
    assert block.verdict is Verdict.MAY_PASS
    assert block.not_ready == names
    assert block.help == ""
    assert not is_never(kept(REFUSED), [waiting])


def test_a_workload_that_is_being_scaled_up_may_pass() -> None:
    block = block_of(
        kept(REFUSED), budgets=[budget("db", app="db", **DB)], owner=db_owner(replicas=4)
    )
    assert block.verdict is Verdict.MAY_PASS


@pytest.mark.parametrize(
    ("rule", "expected", "hopeless"),
    [
        ({"min_available": 3}, 3, True),
        ({"min_available": 4}, 3, True),
        ({"min_available": 2}, 3, False),
        ({"min_available": "100%"}, 3, True),
        ({"min_available": "90%"}, 3, True),  # rounded up
        ({"min_available": "90%"}, 10, False),
        ({"min_available": 0}, 3, False),
        ({"max_unavailable": 0}, 3, True),
        ({"max_unavailable": "0%"}, 3, True),
        ({"max_unavailable": "1%"}, 3, False),  # rounded up as well
        ({"max_unavailable": 1}, 1, False),
        ({"max_unavailable": 0}, 0, True),
        ({"min_available": "100%"}, 0, True),
        ({"min_available": 1}, 0, False),
    ],
)
def test_never_is_told_from_the_rule_and_the_number_of_pods(
    *, rule: dict[str, Any], expected: int, hopeless: bool
) -> None:
    subject = budget(**{"min_available": None, **rule}, expected_pods=expected)
    assert never(subject) is hopeless


@pytest.mark.parametrize(
    ("rule", "owner", "words"),
    [
        ({"max_unavailable": 0}, db_owner(), "Setting maxUnavailable of budget db to 1 would"),
        ({"min_available": "100%"}, db_owner(), "Lowering minAvailable of budget db would"),
        ({"min_available": "75%"}, db_owner(), "Scaling db to 4 would"),
        ({"min_available": 5}, db_owner(), "Scaling db to 6 would"),
        ({"min_available": 30}, db_owner(), "Lowering minAvailable of budget db would"),
        ({"min_available": 3}, None, "Lowering minAvailable of budget db would"),
        ({"min_available": 3}, db_owner(kind="Custom"), "Lowering minAvailable of budget db"),
    ],
)
def test_the_smallest_change_that_helps_is_named(
    rule: dict[str, Any], owner: Owner | None, words: str
) -> None:
    subject = budget("db", app="db", **{**DB, "min_available": None, **rule})
    assert block_of(kept(REFUSED), budgets=[subject], owner=owner).help.startswith(words)


def test_an_unready_pod_is_told_what_would_let_it_go() -> None:
    counts: dict[str, Any] = {**DB, "min_available": 1, "desired_healthy": 1, "current_healthy": 0}
    block = block_of(
        kept(REFUSED, ready=False), budgets=[budget("db", app="db", **counts)], owner=db_owner()
    )
    assert block.verdict is Verdict.MAY_PASS
    assert "unhealthyPodEvictionPolicy AlwaysAllow in budget db" in block.help


def test_a_budget_that_was_not_read_stands_with_what_the_server_said() -> None:
    block = block_of(kept(REFUSED), budgets=[])
    assert (block.kind, block.verdict) == ("budget", Verdict.MAY_PASS)
    facts = block.budgets[0]
    assert (facts.name, facts.desired_healthy, facts.current_healthy) == ("db", 3, 3)


def test_two_budgets_are_both_named() -> None:
    both = [budget("db", app="db"), budget("all", app=""), budget("web")]
    block = block_of(kept(TwoBudgets("This pod has more than one")), budgets=both)
    assert (block.kind, block.verdict) == ("two_budgets", Verdict.NEVER)
    assert [facts.name for facts in block.budgets] == ["all", "db"]
    assert "only one of all and db" in block.help


def test_a_missing_right_is_named() -> None:
    block = block_of(kept(MissingRight("forbidden", "create pods/eviction")), budgets=[])
    assert (block.kind, block.verdict) == ("rbac", Verdict.NEVER)
    assert "create pods/eviction" in block.help


@pytest.mark.parametrize(("again", "verdict"), [(True, Verdict.MAY_PASS), (False, Verdict.NEVER)])
def test_a_webhook_is_shown_with_its_words(*, again: bool, verdict: Verdict) -> None:
    block = block_of(kept(Webhook("denied: not now", "w", again=again)), budgets=[])
    assert (block.kind, block.verdict, block.message) == ("webhook", verdict, "denied: not now")


def test_a_budget_whose_sync_failed_needs_a_person_and_one_that_lags_does_not() -> None:
    failed = BudgetBroken("db", "… because it failed sync: found no controllers for pod")
    assert block_of(kept(failed), budgets=[]).verdict is Verdict.NEVER
    lagging = block_of(kept(BudgetBroken("db", "DisruptedPods map too big")), budgets=[])
    assert (lagging.kind, lagging.verdict) == ("budget_broken", Verdict.MAY_PASS)
    assert lagging.budgets[0].name == "db"


def test_an_ending_namespace_and_a_busy_server_are_no_budgets() -> None:
    assert block_of(kept(NamespaceEnding("ends")), budgets=[]).kind == "namespace"
    busy = block_of(kept(Busy(1, "too many requests")), budgets=[])
    assert (busy.kind, busy.verdict, busy.budgets) == ("busy", Verdict.THROTTLED, ())
