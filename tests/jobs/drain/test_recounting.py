"""A block that people are asked about is told as it stands now, and stays the block it was."""

from dataclasses import replace

import pytest

from jobs.drain.answers import Blocked, TwoBudgets
from jobs.drain.blocks import block_by
from jobs.drain.facts import Budget, Owner, Pod
from jobs.drain.recounting import Sighting, names_of, recounted
from jobs.models import Block, Holder, Verdict
from tests.jobs.drain.making import NOW, budget, pod

OWNER = Owner(
    uid="uid-web-5d9", kind="Deployment", namespace="shop", name="web", replicas=2, ready=2
)
WAITS = budget(min_available=1, current_healthy=1, desired_healthy=1)
SICK = pod("web-2", ready=False, ready_changed=NOW, why_not_ready="pulls its image")


def asked(*, budgets: tuple[Budget, ...] = (WAITS,), covered: tuple[Pod, ...] = ()) -> Block:
    answer = TwoBudgets("two") if len(budgets) > 1 else Blocked("web", "needs 1 and has 1")
    return block_by(
        pod(), answer, since=NOW, budgets=budgets, owner=OWNER, covered=(pod(), *covered)
    )


def sight(*budgets: Budget, covered: tuple[Pod, ...] = (), owner: Owner | None = OWNER) -> Sighting:
    names = {f"shop/{each.name}": each for each in budgets}
    return Sighting(
        budgets=names,
        covered=dict.fromkeys(names, (pod(), *covered)),
        owners={"uid-web-5d9": owner},
    )


def test_counts_are_those_of_now() -> None:
    now = recounted(asked(), sight(replace(WAITS, current_healthy=0)))
    assert (now.budgets[0].current_healthy, now.budgets[0].desired_healthy) == (0, 1)
    assert now.pod == asked().pod
    assert now.since == NOW


def test_pods_that_are_not_ready_come_and_go() -> None:
    before = asked()
    assert before.not_ready == ()
    now = recounted(before, sight(WAITS, covered=(SICK,)))
    assert [each.why for each in now.not_ready] == ["pulls its image"]
    assert recounted(now, sight(WAITS)) == before


def test_that_waiting_will_not_help_any_more_is_said() -> None:
    assert asked().verdict is Verdict.MAY_PASS
    shrunk = replace(WAITS, expected_pods=1)
    now = recounted(asked(), sight(shrunk, owner=replace(OWNER, replicas=1, ready=1)))
    assert now.verdict is Verdict.NEVER
    assert "Scaling web to 2" in now.help


def test_other_operations_that_evicted_since_are_named() -> None:
    holder = Holder(operation="op-2", at=NOW)
    seen = replace(sight(WAITS), held_by={"shop/web": (holder,)})
    assert recounted(asked(), seen).held_by == (holder,)


def test_a_complaint_of_the_budgets_controller_replaces_its_counts_and_goes_again() -> None:
    broken = recounted(asked(), sight(replace(WAITS, sync_failed="no scale")))
    assert broken.kind == "budget_broken"
    assert recounted(broken, sight(WAITS)).kind == "budget"


def test_two_budgets_are_told_with_their_counts() -> None:
    other = budget("all", min_available=1, current_healthy=2)
    block = asked(budgets=(WAITS, other))
    assert names_of(block) == ("shop/all", "shop/web")
    now = recounted(block, sight(WAITS, replace(other, current_healthy=1)))
    assert [each.current_healthy for each in now.budgets] == [1, 1]


@pytest.mark.parametrize(
    "seen",
    [
        sight(replace(WAITS, min_available=2)),  # another word of the budget: another question
        sight(),  # the budget is gone, which frees the pod
        replace(sight(WAITS), covered={"shop/web": (SICK,)}),  # the pod has left
        replace(sight(WAITS), owners={}),  # its owner could not be read
    ],
)
def test_what_ends_a_question_or_is_not_known_leaves_its_words(seen: Sighting) -> None:
    before = asked(covered=(SICK,))
    assert recounted(before, seen) == before


def test_a_block_that_no_budget_makes_is_left_as_it_is() -> None:
    block = asked().model_copy(update={"kind": "webhook", "budgets": ()})
    assert recounted(block, sight(WAITS)) == block
