from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.facts import Node
from jobs.drain.fence import (
    OPERATION,
    REASON,
    REQUESTED_BY,
    SET,
    SINCE,
    TOKEN,
    WAS_CORDONED,
    AlreadyOurs,
    Claim,
    Fence,
    OtherNode,
    Outdated,
    Patch,
    TakenBy,
    Undo,
    cordon_patch,
    fence,
    token_of,
    uncordon_patch,
)
from tests.jobs.drain.making import NOW, node


def claim(**fields: Any) -> Claim:
    given_fields: dict[str, Any] = {
        "node": "node-1",
        "uid": "uid-node-1",
        "operation": "op-a",
        "token": 5,
        "requested_by": "T:U1",
        "reason": "kernel update",
        "since": NOW,
    }
    return Claim(**{**given_fields, **fields})


def patched(before: Node, patch: Patch) -> Node:
    """Do to a node what the API server does with the merge patch."""
    body = patch.body()
    assert body["metadata"]["resourceVersion"] == before.resource_version
    marks = {**before.annotations, **body["metadata"]["annotations"]}
    unschedulable = before.unschedulable
    if "spec" in body:
        unschedulable = bool(body["spec"]["unschedulable"])
    return node(
        uid=before.uid,
        resource_version=before.resource_version + "0",
        annotations={key: value for key, value in marks.items() if value is not None},
        unschedulable=unschedulable,
    )


def cordoned(before: Node | None = None, by: Claim | None = None) -> Node:
    before = before or node()
    patch = cordon_patch(before, by or claim())
    assert isinstance(patch, Patch)
    return patched(before, patch)


def test_one_guarded_patch_sets_the_cordon_and_every_mark() -> None:
    patch = cordon_patch(node(), claim())
    assert isinstance(patch, Patch)
    assert patch.body() == {
        "metadata": {
            "resourceVersion": "7",
            "annotations": {
                OPERATION: "op-a",
                TOKEN: "5",
                WAS_CORDONED: "false",
                SINCE: "2027-01-15T08:00:00Z",
                REQUESTED_BY: "T:U1",
                REASON: "kernel update",
                "cluster-autoscaler.kubernetes.io/scale-down-disabled": "true",
                "karpenter.sh/do-not-disrupt": "true",
                SET: "cluster-autoscaler.kubernetes.io/scale-down-disabled,"
                "karpenter.sh/do-not-disrupt",
            },
        },
        "spec": {"unschedulable": True},
    }


def test_a_repeat_finds_its_own_cordon_and_believes_the_mark() -> None:
    assert cordon_patch(cordoned(), claim()) == AlreadyOurs(was_cordoned=False)
    assert cordon_patch(cordoned(node(unschedulable=True)), claim()) == AlreadyOurs(
        was_cordoned=True
    )


def test_a_take_over_raises_the_token_and_keeps_what_was_written_once() -> None:
    taken = cordoned(cordoned(), claim(token=6, since=NOW + 5000, requested_by="T:U9"))
    assert taken.annotations[TOKEN] == "6"
    assert taken.annotations[WAS_CORDONED] == "false"
    assert taken.annotations[SINCE] == "2027-01-15T08:00:00Z"
    assert taken.annotations[REQUESTED_BY] == "T:U1"


def test_a_lower_token_never_overwrites_a_higher_one() -> None:
    high = cordoned(by=claim(token=6))
    assert cordon_patch(high, claim(token=5)) == Outdated(6, "op-a")
    assert uncordon_patch(high, claim(token=5)) == Outdated(6, "op-a")


def test_a_node_of_the_same_name_is_another_node() -> None:
    assert cordon_patch(node(uid="new"), claim()) == OtherNode("new")
    assert uncordon_patch(node(uid="new"), claim()) == OtherNode("new")


def test_another_operation_is_not_overwritten_but_by_name() -> None:
    theirs = cordoned(by=claim(operation="op-b", token=2))
    assert cordon_patch(theirs, claim()) == TakenBy("op-b", "T:U1")
    mine = cordoned(theirs, claim(supersedes=frozenset({"op-b"})))
    assert mine.annotations[OPERATION] == "op-a"
    assert mine.annotations[WAS_CORDONED] == "false"  # op-b's knowledge, not op-b's cordon


def test_a_token_that_is_no_number_belongs_to_somebody_else() -> None:
    odd = node(annotations={TOKEN: "seven"})
    assert isinstance(cordon_patch(odd, claim()), TakenBy)
    assert token_of(odd) == 0


def test_giving_back_undoes_our_cordon_and_leaves_only_the_token() -> None:
    outcome = uncordon_patch(cordoned(), claim())
    assert isinstance(outcome, tuple)
    patch, undo = outcome
    assert patch is not None
    back = patched(cordoned(), patch)
    assert (undo, back.unschedulable, back.annotations) == (Undo.UNCORDON, False, {TOKEN: "5"})
    assert uncordon_patch(back, claim()) == (None, Undo.NOTHING)


def test_a_cordon_from_before_us_stays() -> None:
    before = cordoned(node(unschedulable=True))
    outcome = uncordon_patch(before, claim())
    assert isinstance(outcome, tuple)
    patch, undo = outcome
    assert patch is not None
    assert undo is Undo.KEEP
    assert patched(before, patch).unschedulable


def test_a_cordon_whose_origin_can_not_be_told_stays() -> None:
    unclear = node(unschedulable=True, annotations={OPERATION: "op-a", TOKEN: "5"})
    outcome = uncordon_patch(unclear, claim())
    assert isinstance(outcome, tuple)
    assert outcome[1] is Undo.KEEP


def test_a_worker_that_slept_through_abort_and_return_finds_its_token_outdated() -> None:
    # Its successor found nothing to undo, and still leaves its token.
    outcome = uncordon_patch(node(), claim(token=6))
    assert isinstance(outcome, tuple)
    patch, undo = outcome
    assert patch is not None
    assert undo is Undo.NOTHING
    assert patch.unschedulable is None
    assert cordon_patch(patched(node(), patch), claim(token=5)) == Outdated(6, "")


def test_a_cordon_that_somebody_had_undone_is_told() -> None:
    opened = node(annotations=cordoned().annotations)
    outcome = uncordon_patch(opened, claim())
    assert isinstance(outcome, tuple)
    assert outcome[1] is Undo.NOT_CORDONED


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (cordoned(), Fence.HELD),
        (None, Fence.GONE),
        (node(uid="new"), Fence.REPLACED),
        (node(annotations=cordoned().annotations), Fence.UNCORDONED),
        (node(unschedulable=True), Fence.UNMARKED),
        (cordoned(by=claim(operation="op-b")), Fence.TAKEN),
        (cordoned(by=claim(token=6)), Fence.OUTDATED),
    ],
)
def test_the_fence_says_how_it_broke(subject: Node | None, expected: Fence) -> None:
    assert fence(subject, claim()) is expected


acts = st.lists(
    st.tuples(st.sampled_from(["cordon", "uncordon", "person"]), st.integers(1, 4)), max_size=12
)


@given(steps=acts, was=st.booleans())
def test_no_order_of_claims_undoes_a_cordon_that_was_not_ours_or_lowers_the_token(
    *, steps: list[tuple[str, int]], was: bool
) -> None:
    now = node(unschedulable=was)
    touched_by_people = was
    for what, token in steps:
        before = token_of(now)
        if what == "person":
            now = node(annotations=now.annotations, unschedulable=True)
            touched_by_people = touched_by_people or OPERATION not in now.annotations
            continue
        mine = claim(token=token)
        outcome = cordon_patch(now, mine) if what == "cordon" else uncordon_patch(now, mine)
        patch = outcome[0] if isinstance(outcome, tuple) else outcome
        if isinstance(patch, Patch):
            assert token >= before
            now = patched(now, patch)
        assert token_of(now) >= before
        assert now.unschedulable or not touched_by_people
