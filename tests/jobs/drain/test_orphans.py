import pytest

from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION, WAS_CORDONED
from jobs.drain.orphans import Holding, Known, cordoned_before, holding
from tests.jobs.drain.making import node

MARKED = node(annotations={OPERATION: "op-a"}, unschedulable=True)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Known(ours=True), Holding.ORPHAN),
        (Known(ours=True, exists=True), Holding.ORPHAN),  # it ended, and let go of the record
        (Known(ours=True, owner="op-a"), Holding.ORPHAN),  # its record outlived it
        (Known(ours=True, exists=True, owner="op-a"), Holding.KEPT),
        (Known(ours=True, owner="op-b"), Holding.KEPT),
        (Known(ours=True, exists=True, live=True), Holding.AT_WORK),
        (Known(ours=True, owner="op-b", owner_live=True), Holding.AT_WORK),
        (Known(ours=False), Holding.FOREIGN),
    ],
)
def test_only_what_nobody_stands_behind_is_an_orphan(known: Known, expected: Holding) -> None:
    assert holding(MARKED, known) is expected


def test_a_node_without_a_mark_is_nobodys() -> None:
    assert holding(node(unschedulable=True), Known(ours=False)) is Holding.NOBODY


@pytest.mark.parametrize(
    ("subject", "stays"),
    [
        (node(annotations={WAS_CORDONED: "false"}, unschedulable=True), False),
        (node(annotations={WAS_CORDONED: "true"}, unschedulable=True), True),
        (MARKED, True),  # can't be told
        (node(annotations={WAS_CORDONED: "true"}), False),
    ],
)
def test_what_was_cordoned_before_is_said(subject: Node, *, stays: bool) -> None:
    assert cordoned_before(subject) is stays
