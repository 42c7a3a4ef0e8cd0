"""What is said of two plans that differ materially; and nothing where they do not."""

from typing import Any

import pytest

from jobs.drain.plan import operation_plan
from jobs.drain.plan_changes import plan_changes
from jobs.models import (
    BudgetFacts,
    DrainOptions,
    NodePlan,
    OperationPlan,
    PlannedBlock,
    PodRef,
    Refusal,
    RefusalReason,
)

DEBUG = PodRef(namespace="shop", name="debug", uid="u-1")
REFUSED = Refusal(pod=DEBUG, reasons=(RefusalReason.UNMANAGED,))
BUDGET = BudgetFacts(namespace="payments", name="db", spec="minAvailable 3")


def never(**changes: Any) -> PlannedBlock:
    return PlannedBlock(pod=DEBUG, budget=BUDGET.model_copy(update=changes), never=True)


def plan(**fields: Any) -> OperationPlan:
    node = NodePlan(**{"name": "node-1", "uid": "n-1", **fields})
    return operation_plan([node], DrainOptions(), now=0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"uid": "n-2"}, "node-1 is another node than before, under the same name"),
        ({"refusals": (REFUSED,)}, "shop/debug on node-1 may not be evicted without a word"),
        ({"data_lost": ("shop/cache",)}, "shop/cache on node-1 would lose its emptyDir's data"),
        ({"single_replicas": ("shop/cart",)}, "shop/cart on node-1 would be down while it moves"),
        ({"blocks": (never(),)}, "budget payments/db (minAvailable 3) can't be met on node-1"),
    ],
)
def test_each_material_fact_that_changes_is_said_in_words(
    fields: dict[str, Any], words: str
) -> None:
    assert plan_changes(plan(), plan(**fields)) == words
    if "uid" not in fields:
        assert plan_changes(plan(**fields), plan())  # and so is one that is gone again


def test_counts_and_what_may_pass_are_no_change() -> None:
    passing = never().model_copy(update={"never": False})
    assert plan_changes(plan(), plan(evict=9, daemonset=3, seconds=60, blocks=(passing,))) == ""


def test_many_changes_are_counted() -> None:
    lost = tuple(f"shop/cache-{number}" for number in range(5))
    words = plan_changes(plan(), plan(data_lost=lost))
    assert words.count("would lose") == 3
    assert words.endswith("; and 2 more")


def test_other_options_alone_are_said_to_be_another_plan() -> None:
    other = operation_plan([plan().nodes[0]], DrainOptions(force=True), now=0)
    assert plan_changes(plan(), other) == "the plan has changed"
