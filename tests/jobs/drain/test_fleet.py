"""Whose turn it is among an operation's nodes, and when no other one begins."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.fencing import KEPT_IN
from jobs.drain.fleet import Fleet, Part, Stop, end_of, left_in, turn_after
from jobs.models import NodeStatus
from jobs.modes import Mode

DRAINED, FAILED, GONE = NodeStatus.DRAINED, NodeStatus.FAILED, NodeStatus.GONE
SKIPPED, STOPPED = NodeStatus.SKIPPED, NodeStatus.STOPPED
RETURNED, ABORTED = NodeStatus.RETURNED, NodeStatus.ABORTED


def fleet(count: int = 4, **fields: Any) -> Fleet:
    return Fleet(nodes=tuple(f"node-{n}" for n in range(1, count + 1)), **fields)


def went(subject: Fleet, *ends: NodeStatus) -> Fleet:
    """The first nodes begin and end like this, one after the other."""
    for status in ends:
        name = subject.next
        assert name is not None
        subject = subject.began().over(name, status)
    return subject


def test_nodes_begin_in_their_order_and_at_most_so_many_at_once() -> None:
    subject = fleet(away=2).began().began()
    assert (subject.next, subject.running) == (None, 2)
    subject = subject.over("node-2", DRAINED)
    assert (subject.next, subject.waiting) == ("node-3", ("node-3", "node-4"))


def test_nothing_follows_the_canaries_until_they_are_proven() -> None:
    subject = fleet(away=3, canaries=2).began().began()
    assert (subject.next, subject.proving) == (None, False)
    subject = subject.over("node-1", DRAINED).over("node-2", DRAINED)
    assert (subject.next, subject.proving, subject.undrained) == (None, True, ())
    subject = replace(subject, proven=True)
    assert (subject.next, subject.proving) == ("node-3", False)


def test_canaries_go_no_more_at_once_than_others() -> None:
    assert fleet(away=1, canaries=2).began().next is None


@pytest.mark.parametrize(
    ("status", "expect_gone", "undrained"),
    [
        (DRAINED, False, False),
        (SKIPPED, False, True),
        (FAILED, False, True),
        (GONE, False, True),
        (GONE, True, False),
    ],
)
def test_a_canary_that_was_not_drained_is_named(
    *, status: NodeStatus, expect_gone: bool, undrained: bool
) -> None:
    subject = went(fleet(canaries=1, expect_gone=expect_gone), status)
    assert subject.undrained == (("node-1",) if undrained else ())
    assert subject.proving


def test_canaries_that_are_all_there_is_prove_nothing_to_anybody() -> None:
    for canaries in (2, 5):
        subject = went(fleet(2, canaries=canaries), DRAINED, DRAINED)
        assert (subject.proving, subject.next) == (False, None)


def test_more_failures_than_allowed_let_no_other_node_begin() -> None:
    subject = went(fleet(max_failures=1), FAILED, DRAINED)
    assert subject.stopped is None
    subject = went(subject, GONE)
    assert (subject.stopped, subject.next) == (Stop.FAILURES, None)
    assert (subject.failures, subject.waiting) == (("node-1", "node-3"), ("node-4",))


def test_without_a_limit_failures_stop_nothing() -> None:
    assert went(fleet(), FAILED, FAILED, FAILED).next == "node-4"


def test_a_node_that_was_expected_to_disappear_is_no_failure() -> None:
    assert went(fleet(max_failures=0, expect_gone=True), GONE).next == "node-2"


def test_a_skipped_node_is_a_persons_wish_and_no_failure() -> None:
    assert went(fleet(max_failures=0), SKIPPED).next == "node-2"


def test_a_question_that_nobody_answered_stops_before_any_count() -> None:
    subject = went(fleet(max_failures=3), STOPPED)
    assert (subject.stopped, subject.next) == (Stop.UNANSWERED, None)


def test_a_question_that_nobody_answered_stops_also_where_its_node_was_drained() -> None:
    subject = fleet().began().over("node-1", DRAINED, unanswered=True)
    assert (subject.stopped, subject.next) == (Stop.UNANSWERED, None)
    assert end_of([DRAINED, STOPPED], stopped=subject.stopped) == "stopped"
    assert end_of([DRAINED], stopped=subject.stopped) == "drained"  # there was no other node


def test_a_failed_canary_over_the_limit_stops_and_is_not_asked_about() -> None:
    subject = went(fleet(canaries=1, max_failures=0), FAILED)
    assert (subject.stopped, subject.proving) == (Stop.FAILURES, False)


@pytest.mark.parametrize(
    ("nodes", "fields", "end"),
    [
        ("drained drained", {}, "drained"),
        ("drained aborted", {}, "aborted"),
        ("aborted stopped", {}, "aborted"),
        ("drained stopped", {}, "stopped"),
        ("failed failed", {}, "failed"),
        ("failed drained", {}, "partly"),
        ("skipped", {}, "partly"),
        ("gone drained", {}, "partly"),
        ("gone gone", {}, "failed"),
        ("gone drained", {"expect_gone": True}, "drained"),
        ("gone", {"expect_gone": True}, "drained"),
        ("gone failed", {"expect_gone": True}, "partly"),
        ("drained failed stopped", {"stopped": Stop.FAILURES}, "partly"),
        ("skipped failed stopped", {"stopped": Stop.FAILURES}, "partly"),
        ("failed stopped stopped", {"stopped": Stop.FAILURES}, "failed"),
        ("failed aborted", {"stopped": Stop.FAILURES}, "aborted"),
        ("failed stopped", {"stopped": Stop.UNANSWERED}, "stopped"),
        ("returned returned", {"whole_life": True}, "drained"),
        ("returned drained", {"whole_life": True}, "partly"),
        ("returned drained", {"whole_life": True, "aborted": True}, "aborted"),
        ("drained", {"whole_life": True, "aborted": True}, "aborted"),
        ("drained", {"whole_life": True, "stopped": Stop.UNANSWERED}, "stopped"),
        ("returned", {"whole_life": True, "stopped": Stop.UNANSWERED}, "drained"),
        ("returned", {"whole_life": True, "aborted": True}, "drained"),
        ("returned gone", {"whole_life": True}, "partly"),
        ("returned gone", {"whole_life": True, "expect_gone": True}, "drained"),
        ("returned failed stopped", {"whole_life": True, "stopped": Stop.FAILURES}, "partly"),
    ],
)
def test_an_operation_ends_as_its_nodes_did(nodes: str, fields: dict[str, Any], end: str) -> None:
    assert end_of(map(NodeStatus, nodes.split()), **fields) == end


@pytest.mark.parametrize(
    ("part", "status", "fields", "follows"),
    [
        (Part.DRAIN, DRAINED, {}, Part.LIFE),
        (Part.DRAIN, DRAINED, {"unanswered": True}, None),
        (Part.DRAIN, SKIPPED, {}, None),
        (Part.DRAIN, STOPPED, {"unanswered": True}, None),
        (Part.DRAIN, FAILED, {}, None),
        (Part.DRAIN, GONE, {}, None),
        (Part.LIFE, RETURNED, {}, None),
        (Part.LIFE, RETURNED, {"unanswered": True}, None),
        (Part.LIFE, DRAINED, {}, None),  # left in maintenance
        (Part.LIFE, ABORTED, {"again": True}, Part.DRAIN),
    ],
)
def test_a_nodes_maintenance_follows_its_drain_and_nothing_follows_that_unless_it_is_drained_again(
    part: Part, status: NodeStatus, fields: dict[str, bool], follows: Part | None
) -> None:
    assert turn_after(part, status, whole_life=True, **fields) is follows


@given(status=st.sampled_from(NodeStatus), unanswered=st.booleans())
def test_without_a_maintenance_to_wait_for_nothing_follows_a_drain(
    status: NodeStatus, *, unanswered: bool
) -> None:
    assert turn_after(Part.DRAIN, status, whole_life=False, unanswered=unanswered) is None


@pytest.mark.parametrize("mode", Mode)
def test_only_a_node_whose_fence_is_kept_is_left_as_drained(mode: Mode) -> None:
    assert left_in(mode) is (DRAINED if mode in KEPT_IN else ABORTED)


def test_a_canary_that_was_to_return_is_proven_by_its_return_alone() -> None:
    subject = went(fleet(canaries=1, whole_life=True), DRAINED)
    assert subject.undrained == ("node-1",)
    assert went(fleet(canaries=1, whole_life=True), RETURNED).undrained == ()


@given(
    subject=st.builds(
        fleet,
        st.integers(1, 6),
        away=st.integers(1, 4),
        canaries=st.integers(0, 4),
        max_failures=st.integers(-1, 3),
        expect_gone=st.booleans(),
        whole_life=st.booleans(),
    ),
    data=st.data(),
)
def test_whatever_happens_the_limits_hold(subject: Fleet, data: st.DataObject) -> None:
    under_way: list[str] = []
    begun: list[str] = []
    while True:
        while (name := subject.next) is not None:
            assert subject.stopped is None
            assert len(begun) < (subject.canaries or len(subject.nodes)) or subject.proven
            subject = subject.began()
            begun.append(name)
            under_way.append(name)
            assert len(under_way) <= subject.away
        if under_way:
            name = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            ends = st.sampled_from([status for status in NodeStatus if status.final])
            status = data.draw(ends)
            unanswered = status is DRAINED and data.draw(st.booleans())
            subject = subject.over(name, status, unanswered=unanswered)
        elif subject.proving:
            assert set(begun) == set(subject.nodes[: subject.canaries])
            subject = replace(subject, proven=True)
        else:
            break
    assert tuple(begun) == subject.nodes[: len(begun)]
    assert subject.waiting == subject.nodes[len(begun) :]
    assert not subject.waiting or subject.stopped  # only then is one left behind
