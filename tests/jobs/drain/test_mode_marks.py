"""A node's mode as annotations: what is written is read, and what is odd is not believed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drain.facts import Node
from jobs.drain.fence import OPERATION, PREFIX, TOKEN, Patch
from jobs.drain.mode_marks import (
    MODE,
    MODE_SEQ,
    ModeShown,
    given_back,
    mode_marks,
    mode_patch,
    mode_shown,
)
from jobs.modes import Mode


def merged(before: dict[str, str], patch: dict[str, str | None]) -> dict[str, str]:
    """What a JSON merge patch (RFC 7396) makes of annotations."""
    after: dict[str, str | None] = {**before, **patch}
    return {name: value for name, value in after.items() if value is not None}


@given(
    st.lists(
        st.builds(
            ModeShown, mode=st.sampled_from([str(mode) for mode in Mode]), seq=st.integers(0),
            since=st.integers(0, 2**42), by=st.text(), why=st.text(),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_the_last_that_was_written_is_read(written: list[ModeShown]) -> None:
    annotations: dict[str, str] = {}
    for shown in written:
        annotations = merged(annotations, mode_marks(shown))
    last = written[-1]
    assert mode_shown(annotations) == (last.mode, last.seq)
    assert all(name.startswith(PREFIX) for name in annotations)
    assert sum(map(len, annotations.values())) < 10_000


def test_an_accepting_node_keeps_the_count_alone_and_a_new_one_has_none() -> None:
    draining = ModeShown("draining", 7, since=1_700_000_000_000, by="T01:U1", why="disk")
    before = merged({}, mode_marks(draining))
    assert before == {
        "drainbot.dev/mode": "draining", "drainbot.dev/mode-seq": "7",
        "drainbot.dev/mode-since": "2023-11-14T22:13:20Z", "drainbot.dev/mode-by": "T01:U1",
        "drainbot.dev/mode-why": "disk",
    }  # fmt: skip
    assert merged(before, mode_marks(ModeShown("accepting", 9))) == {MODE_SEQ: "9"}
    assert mode_shown({}) == ("accepting", 0)


def test_a_count_that_is_no_number_makes_the_mode_unknown() -> None:
    for odd in ("", "seven", "-1", "1.5", "٣"):
        mode, seq = mode_shown({MODE: "draining", MODE_SEQ: odd})
        assert mode not in list(Mode)
        assert seq == -1


DRAINED = ModeShown("drained", 4, since=1_700_000_000_000, by="T01:U1", why="disk")
CLAIM: Any = {"uid": "u", "token": 9, "owner": "op-2", "before": "op-1"}


def node(mode: ModeShown | None = None, **marks: str) -> Node:
    shown = merged({}, mode_marks(mode)) if mode else {}
    return Node(
        name="a", uid="u", resource_version="5", unschedulable=True,
        annotations={**shown, **{PREFIX + key: value for key, value in marks.items()}},
    )  # fmt: skip


def test_a_mode_is_written_under_the_counter_of_its_record_and_guarded() -> None:
    patch = mode_patch(node(operation="op-2", token="9"), DRAINED, **CLAIM)
    assert patch is not None
    assert patch.resource_version == "5"
    assert patch.unschedulable is None
    assert merged({}, dict(patch.annotations)) == {
        MODE: "drained", MODE_SEQ: "4", f"{PREFIX}mode-since": "2023-11-14T22:13:20Z",
        f"{PREFIX}mode-by": "T01:U1", f"{PREFIX}mode-why": "disk", TOKEN: "9",
    }  # fmt: skip


def test_whoever_tends_a_node_puts_its_own_mark_in_the_place_of_the_drains() -> None:
    patch = mode_patch(node(DRAINED, operation="op-1", token="8"), DRAINED, **CLAIM)
    assert patch is not None
    assert patch.annotations[OPERATION] == "op-2"


@pytest.mark.parametrize(
    "seen",
    [
        node(DRAINED, operation="op-2", token="9"),  # shown already
        node(operation="other-aaaaaa", token="9"),
        node(operation="op-2", token="10"),
        replace(node(operation="op-2", token="9"), uid="another"),
    ],
)
def test_nothing_is_written_that_is_there_or_over_what_is_not_ours(seen: Node) -> None:
    assert mode_patch(seen, DRAINED, **CLAIM) is None


@pytest.mark.parametrize(("mode", "steps"), [("drained", 2), ("fence_lost", 2), ("returning", 1)])
def test_a_node_that_is_given_back_counts_the_changes_that_led_there(mode: str, steps: int) -> None:
    seen = node(replace(DRAINED, mode=mode), operation="op-2", token="9")
    patch = given_back(seen, Patch("5", {TOKEN: "9"}, unschedulable=False))
    after = merged(dict(seen.annotations), dict(patch.annotations))
    assert mode_shown(after) == ("accepting", 4 + steps)
    assert patch.unschedulable is False


def test_a_node_that_shows_no_mode_is_given_back_without_a_count() -> None:
    patch = Patch("5", {TOKEN: "9"}, unschedulable=False)
    assert given_back(node(operation="op-2", token="9"), patch) is patch
