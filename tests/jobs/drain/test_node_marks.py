"""What stands on a node beside the cordon: reason, thread, autoscalers' marks, other tools'."""

import pytest

from jobs.drain.facts import Node, Taint
from jobs.drain.fence import (
    HANDS_OFF,
    REASON,
    SET,
    THREAD,
    TOKEN,
    AlreadyOurs,
    Claim,
    Foreign,
    Patch,
    cordon_patch,
    thread_patch,
    uncordon_patch,
)
from jobs.drain.marks import foreign_mark
from tests.jobs.drain.making import NOW, node
from tests.jobs.drain.test_fence import claim, cordoned, patched

SCALE_DOWN, DISRUPT = sorted(HANDS_OFF)
URL = "https://acme.slack.com/archives/C01/p1700000000000100"


def given_back(before: Node, by: Claim | None = None) -> Node:
    outcome = uncordon_patch(before, by or claim())
    assert isinstance(outcome, tuple)
    assert outcome[0] is not None
    return patched(before, outcome[0])


def with_mark(before: Node, key: str, value: str | None) -> Node:
    marks = {**before.annotations, key: value}
    return node(
        unschedulable=before.unschedulable,
        annotations={name: text for name, text in marks.items() if text is not None},
    )


def test_autoscalers_are_kept_away_while_the_node_is_ours_and_let_go_with_it() -> None:
    ours = cordoned()
    assert {key: ours.annotations[key] for key in HANDS_OFF} == dict(HANDS_OFF)
    assert given_back(ours).annotations == {TOKEN: "5"}


def test_an_autoscalers_annotation_from_before_us_stays_as_it_was() -> None:
    before = node(annotations={SCALE_DOWN: "true", DISRUPT: "false"})
    ours = cordoned(before)
    assert SET not in ours.annotations
    assert given_back(ours).annotations == {TOKEN: "5", SCALE_DOWN: "true", DISRUPT: "false"}


def test_only_what_we_set_is_taken_back() -> None:
    ours = cordoned(node(annotations={SCALE_DOWN: "true"}))
    assert ours.annotations[SET] == DISRUPT
    assert given_back(ours).annotations == {TOKEN: "5", SCALE_DOWN: "true"}


def test_a_value_that_somebody_changed_meanwhile_stays() -> None:
    theirs = with_mark(cordoned(), SCALE_DOWN, "false")
    assert given_back(theirs).annotations == {TOKEN: "5", SCALE_DOWN: "false"}


def test_a_value_that_somebody_removed_meanwhile_is_not_missed() -> None:
    assert given_back(with_mark(cordoned(), DISRUPT, None)).annotations == {TOKEN: "5"}


def test_a_take_over_still_knows_what_the_first_claim_set() -> None:
    again = cordoned(cordoned(), claim(token=6))
    assert given_back(again, claim(token=6)).annotations == {TOKEN: "6"}
    theirs = cordoned(by=claim(operation="op-b", token=2))
    mine = cordoned(theirs, claim(supersedes=frozenset({"op-b"})))
    assert given_back(mine).annotations == {TOKEN: "5"}


def test_a_mark_that_names_other_annotations_takes_nothing_else_away() -> None:
    odd = with_mark(with_mark(cordoned(), SET, "team.example.com/owner,,"), "x", "")
    kept = with_mark(odd, "team.example.com/owner", "true")
    left = given_back(kept).annotations
    assert left["team.example.com/owner"] == "true"
    assert left["x"] == ""


def test_a_new_operation_tells_its_own_reason_and_thread() -> None:
    theirs = cordoned(by=claim(operation="op-b", token=2, reason="disk", thread=URL))
    assert (theirs.annotations[REASON], theirs.annotations[THREAD]) == ("disk", URL)
    mine = cordoned(theirs, claim(reason="", supersedes=frozenset({"op-b"})))
    assert REASON not in mine.annotations
    assert THREAD not in mine.annotations


def test_a_take_over_keeps_the_thread_that_is_known() -> None:
    ours = cordoned(by=claim(thread=URL))
    assert cordoned(ours, claim(token=6)).annotations[THREAD] == URL


def test_a_reason_as_long_as_a_book_is_cut() -> None:
    assert len(cordoned(by=claim(reason="x" * 9_000)).annotations[REASON]) == 500


def test_a_thread_that_becomes_known_later_is_added_under_the_guard() -> None:
    patch = thread_patch(cordoned(), "op-a", URL)
    assert patch is not None
    assert patch.body() == {
        "metadata": {
            "resourceVersion": cordoned().resource_version,
            "annotations": {THREAD: URL},
        }
    }
    told = patched(cordoned(), patch)
    assert thread_patch(told, "op-a", URL) is None
    assert given_back(told).annotations == {TOKEN: "5"}


def test_a_thread_is_never_written_on_a_node_of_somebody_else() -> None:
    assert thread_patch(cordoned(), "op-b", URL) is None
    assert thread_patch(node(), "op-a", URL) is None
    assert thread_patch(cordoned(), "op-a", "") is None


MARKED = [
    (node(taints=(Taint(key="ToBeDeletedByClusterAutoscaler"),)), "cluster autoscaler"),
    (node(taints=(Taint(key="karpenter.sh/disrupted"),)), "Karpenter"),
    (node(taints=(Taint(key="karpenter.sh/disruption", value="disrupting"),)), "Karpenter"),
    (node(annotations={"weave.works/kured-reboot-in-progress": "2026-01-01"}), "kured"),
    (node(annotations={"kured.dev/node-unschedulable-before-drain": "false"}), "kured"),
    (node(deletion=NOW), "deleted"),
]


@pytest.mark.parametrize(("marked", "named"), MARKED)
def test_a_node_with_another_tools_mark_is_not_cordoned(marked: Node, named: str) -> None:
    assert named in foreign_mark(marked)
    assert cordon_patch(marked, claim()) == Foreign(foreign_mark(marked))


@pytest.mark.parametrize(
    "harmless",
    [
        node(),
        node(
            taints=(Taint(key="DeletionCandidateOfClusterAutoscaler", effect="PreferNoSchedule"),)
        ),
        node(taints=(Taint(key="node.kubernetes.io/unschedulable"),)),
        node(annotations={"weave.works/kured-most-recent-reboot-needed": "2026-01-01"}),
    ],
)
def test_what_is_no_claim_of_another_tool_is_no_reason_to_refuse(harmless: Node) -> None:
    assert foreign_mark(harmless) == ""
    assert isinstance(cordon_patch(harmless, claim()), Patch)


def test_a_mark_that_comes_after_our_cordon_does_not_lock_us_out() -> None:
    ours = cordoned()
    marked = node(
        unschedulable=True,
        annotations=ours.annotations,
        taints=(Taint(key="karpenter.sh/disrupted"),),
    )
    assert cordon_patch(marked, claim()) == AlreadyOurs(was_cordoned=False)
    assert isinstance(cordon_patch(marked, claim(token=6)), Patch)
    assert isinstance(uncordon_patch(marked, claim()), tuple)
