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
from jobs.drain.blocks import NOT_READY_MOST, block_of, is_never, never, not_ready_of
from jobs.drain.facts import Owner
from jobs.drain.filters import Fate, Judgement
from jobs.drain.pacing import Entry, Kept
from jobs.models import Block, Holder, NotReady, Verdict
from tests.jobs.drain.making import NOW, budget, pod

DB: dict[str, Any] = {
    "min_available": 3,
    "desired_healthy": 3,
    "current_healthy": 3,
    "expected_pods": 3,
}
NO_SCALE = "workers.example.com does not implement the scale subresource"
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


WAITS: dict[str, Any] = {
    **DB, "min_available": 2, "desired_healthy": 2, "current_healthy": 2,
}  # fmt: skip


def test_a_budget_that_waits_for_pods_names_them_since_when_and_why() -> None:
    why = "0/3 nodes are available: 3 Insufficient cpu."
    pods = [
        pod("db-0"),
        pod("db-3", ready=False, ready_changed=NOW - 5),
        pod("db-1", ready=False, phase="Pending", created=NOW - 9, why_not_ready=why),
        pod("db-9", ready=False, phase="Failed"),
        pod("db-8", ready=False, deletion=NOW),
        pod("db-4", ready=False),
    ]
    waiting = budget("db", app="db", **WAITS)
    block = block_of(kept(REFUSED), budgets=[waiting], owner=db_owner(), covered=pods)
    assert block.verdict is Verdict.MAY_PASS
    assert block.not_ready == (
        NotReady(pod="shop/db-1", since=NOW - 9, why=why),
        NotReady(pod="shop/db-3", since=NOW - 5),
        NotReady(pod="shop/db-4"),
    )
    assert block.help == ""
    assert not is_never(kept(REFUSED), [waiting])


def test_of_many_pods_that_are_not_ready_the_oldest_are_named() -> None:
    pods = [pod(f"db-{n}", ready=False, ready_changed=NOW - n) for n in range(30)]
    names = [each.pod for each in not_ready_of(pods)]
    assert names == [f"shop/db-{n}" for n in range(29, 29 - NOT_READY_MOST, -1)]


def test_an_operation_that_evicted_under_the_budget_is_named() -> None:
    holders = (Holder(operation="prod-eu-7f3k9q", at=NOW - 20_000),)
    waiting = budget("db", app="db", **WAITS)
    assert block_of(kept(REFUSED), budgets=[waiting], held_by=holders).held_by == holders


def test_names_that_an_earlier_version_stored_are_still_read() -> None:
    stored = {**block_of(kept(REFUSED), budgets=[]).model_dump(), "not_ready": ["shop/db-1"]}
    assert Block.model_validate(stored).not_ready == (NotReady(pod="shop/db-1"),)


def test_a_replacement_that_is_not_there_yet_is_counted() -> None:
    waiting = budget("db", app="db", **WAITS)
    owner = db_owner(ready=2)
    block = block_of(kept(REFUSED), budgets=[waiting], owner=owner, covered=[pod("db-0")])
    assert block.verdict is Verdict.MAY_PASS
    assert block.help == "StatefulSet db has 1 of its 3 pods to start."


def test_an_eviction_that_the_counts_do_not_show_yet_is_told() -> None:
    waiting = budget("db", app="db", **{**WAITS, "current_healthy": 3})
    pods = [pod(f"db-{n}") for n in range(3)]
    block = block_of(kept(Blocked("db", "…")), budgets=[waiting], covered=pods)
    assert block.verdict is Verdict.MAY_PASS
    assert "let pass just now" in block.help


def test_a_budget_whose_pods_are_not_counted_yet_says_so() -> None:
    waiting = budget("db", app="db", **{**WAITS, "observed_generation": 0})
    block = block_of(kept(Blocked("db", "…", retry_after=10)), budgets=[waiting])
    assert (block.verdict, block.budgets[0].desired_healthy) == (Verdict.MAY_PASS, -1)
    assert block.help == "The cluster has not counted the pods of budget db yet."


def test_pods_of_a_workload_that_is_scaled_to_nothing_are_about_to_go() -> None:
    nothing = budget("db", app="db", min_available=None, max_unavailable=1, expected_pods=0)
    block = block_of(kept(REFUSED), budgets=[nothing], owner=db_owner(0, ready=2))
    assert block.verdict is Verdict.MAY_PASS
    assert block.help == "StatefulSet db is scaled to 0: its pods are about to go."


def test_a_pod_that_left_and_has_no_successor_yet_does_not_make_a_budget_hopeless() -> None:
    # A number counts the pods that are there: two, until the StatefulSet has started the third.
    between = budget("db", app="db", **{**WAITS, "expected_pods": 2})
    assert not is_never(kept(REFUSED), [between], db_owner(ready=2))
    assert is_never(kept(REFUSED), [between], db_owner(2))


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
    ("rule", "covered", "hopeless"),
    [
        # A number counts the pods that are there: a finished one counts for the budget's status,
        # but can't be healthy ever again; one that ends has a successor if it has an owner.
        ({"min_available": 2, "expected_pods": 3}, ["db-0", "db-1", "finished"], True),
        ({"min_available": 2, "expected_pods": 3}, ["db-0", "db-1", "ending"], False),
        ({"min_available": 2, "expected_pods": 3}, ["db-0", "db-1", "bare ending"], True),
        ({"min_available": 2, "expected_pods": 3}, ["db-0", "db-1", "unready"], False),
        # A share counts what owners want; pods beyond that are healthy as well.
        ({"min_available": "100%", "expected_pods": 2}, ["db-0", "db-1"], True),
        ({"min_available": "100%", "expected_pods": 2}, ["db-0", "db-1", "unready"], False),
        ({"max_unavailable": 0, "expected_pods": 2}, ["db-0", "db-1", "unready"], False),
    ],
)
def test_never_counts_the_pods_that_are_there(
    *, rule: dict[str, Any], covered: list[str], hopeless: bool
) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "finished": {"phase": "Succeeded", "ready": False},
        "ending": {"deletion": NOW},
        "bare ending": {"deletion": NOW, "controller": None},
        "unready": {"ready": False},
    }
    pods = [pod(name, **kinds.get(name, {})) for name in covered]
    assert never(budget(**{"min_available": None, **rule}), None, pods) is hopeless


@pytest.mark.parametrize(
    ("rule", "hopeless"),
    [
        ({"max_unavailable": 1}, True),
        ({"min_available": "50%"}, True),
        ({"min_available": 1}, False),  # counts pods: the status is not up to date
        ({"max_unavailable": 1, "observed_generation": 0}, False),
    ],
)
def test_a_budget_that_expects_no_pods_never_lets_one_without_an_owner_go(
    *, rule: dict[str, Any], hopeless: bool
) -> None:
    nothing = budget("db", app="db", **{"min_available": None, "expected_pods": 0, **rule})
    block = block_of(kept(REFUSED, controller=None), budgets=[nothing])
    assert block.verdict is (Verdict.NEVER if hopeless else Verdict.MAY_PASS)
    assert ("counts no pods without an owner" in block.help) is hopeless


def test_a_budget_that_can_not_be_worked_out_is_hopeless_if_its_pods_owners_are_why() -> None:
    assert never(budget(sync_failed=NO_SCALE, max_unavailable=1, expected_pods=9))
    assert not never(budget(sync_failed="etcdserver: request timed out", max_unavailable=0))


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


@pytest.mark.parametrize(
    ("why", "verdict", "helps"),
    [
        ('found no controllers for pod "db-2"', Verdict.NEVER, "a number as minAvailable would"),
        (NO_SCALE, Verdict.NEVER, "a number as minAvailable would"),
        ("etcdserver: request timed out", Verdict.MAY_PASS, "tries it again"),
    ],
)
def test_a_budget_whose_sync_failed_says_whether_a_person_must_act(
    why: str, verdict: Verdict, helps: str
) -> None:
    said = f"… does not allow evicting pods currently because it failed sync: {why}"
    failed = block_of(kept(BudgetBroken("db", said, why)), budgets=[])
    assert (failed.kind, failed.verdict, failed.message) == ("budget_broken", verdict, said)
    assert helps in failed.help
    # A server that does not look at the condition gives counts that mean nothing.
    known = budget("db", app="db", **DB, sync_failed=why)
    older = block_of(kept(REFUSED), budgets=[known], owner=db_owner())
    assert (older.kind, older.verdict, older.message) == ("budget_broken", verdict, why)
    assert older.budgets[0].desired_healthy == -1


@pytest.mark.parametrize("said", ["DisruptedPods map too big", "allowed is negative"])
def test_a_budget_with_an_odd_status_mends_itself(said: str) -> None:
    lagging = block_of(kept(BudgetBroken("db", said)), budgets=[])
    assert (lagging.kind, lagging.verdict) == ("budget_broken", Verdict.MAY_PASS)
    assert lagging.budgets[0].name == "db"


def test_an_ending_namespace_and_a_busy_server_are_no_budgets() -> None:
    assert block_of(kept(NamespaceEnding("ends")), budgets=[]).kind == "namespace"
    busy = block_of(kept(Busy(1, "too many requests")), budgets=[])
    assert (busy.kind, busy.verdict, busy.budgets) == ("busy", Verdict.THROTTLED, ())
