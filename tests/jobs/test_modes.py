"""The table of modes: every pair of them, and which events and actions it names."""

import itertools
import re

import pytest

from jobs.modes import (
    ASKS,
    GONE,
    REPEATED,
    TABLE,
    Action,
    Mode,
    NotInTable,
    NotTheMode,
    following,
    judge,
    names_of,
    route,
)

# The design's table, written down a second time: what workloads rely on.
ASKED = {
    ("accepting", "accepting"): "accept",
    ("accepting", "draining"): "checkpoint_and_drain",
    ("draining", "draining"): "checkpoint_and_drain",
    ("draining", "drained"): "persist_final_checkpoint",
    ("draining", "returning"): "quiesce",
    ("draining", "fence_lost"): "halt",
    ("drained", "drained"): "persist_final_checkpoint",
    ("drained", "maintenance"): "quiesce",
    ("drained", "returning"): "quiesce",
    ("drained", "fence_lost"): "halt",
    ("maintenance", "maintenance"): "quiesce",
    ("maintenance", "returning"): "quiesce",
    ("maintenance", "fence_lost"): "halt",
    ("returning", "returning"): "quiesce",
    ("returning", "accepting"): "resume_from_checkpoint",
    ("returning", "maintenance"): "quiesce",
    ("fence_lost", "fence_lost"): "halt",
    ("fence_lost", "draining"): "halt",
    ("fence_lost", "drained"): "halt",
    ("fence_lost", "returning"): "halt",
}
EVENTS = {
    "drain_started", "drain_confirmed", "maintenance_started", "maintenance_ended",
    "returned_to_service", "fence_lost_when_drained", "drain_started_again", "declared_valid",
    "drain_given_up", "maintenance_skipped", "return_failed", "fence_lost_while_draining",
    "fence_lost_in_maintenance", "given_back",
}  # fmt: skip
PAIRS = list(itertools.product(Mode, Mode))


@pytest.mark.parametrize(("came_from", "to"), PAIRS)
def test_every_pair_of_modes_asks_what_the_design_says_or_is_refused(
    came_from: Mode, to: Mode
) -> None:
    asked = ASKED.get((came_from.value, to.value))
    if asked is None:
        with pytest.raises(NotInTable) as refused:
            judge(came_from, came_from, to)
        assert (refused.value.came_from, refused.value.to) == (came_from, to)
        assert came_from in str(refused.value)
        assert to in str(refused.value)
    else:
        row = judge(came_from, came_from, to)
        assert (row.came_from, row.to, row.action.value) == (came_from, to, asked)


@pytest.mark.parametrize(("current", "came_from", "to"), list(itertools.product(Mode, Mode, Mode)))
def test_a_change_that_begins_in_another_mode_is_refused_with_all_modes_named(
    current: Mode, came_from: Mode, to: Mode
) -> None:
    if current is came_from:
        return
    with pytest.raises(NotTheMode) as refused:
        judge(current, came_from, to)
    assert (refused.value.current, refused.value.came_from, refused.value.to) == (
        current, came_from, to,
    )  # fmt: skip
    assert all(mode in str(refused.value) for mode in (current, came_from, to))


def test_each_change_has_a_name_of_its_own_and_a_repeat_too() -> None:
    names = [row.event for row in TABLE]
    assert len(names) == len(set(names))
    assert set(names) == EVENTS
    assert REPEATED not in EVENTS
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in (*names, *Action, *Mode))
    for mode in Mode:
        repeat = judge(mode, mode, mode)
        assert (repeat.event, repeat.action) == (REPEATED, ASKS[mode])


def test_a_lost_fence_is_declared_valid_only_after_the_node_was_drained() -> None:
    before = [row.to for row in following(Mode.FENCE_LOST, was_drained=False)]
    after = [row.to for row in following(Mode.FENCE_LOST, was_drained=True)]
    assert before == [Mode.DRAINING, Mode.RETURNING]
    assert after == [Mode.DRAINING, Mode.DRAINED, Mode.RETURNING]
    assert {row.to for row in following(Mode.DRAINED, was_drained=True)} == {
        Mode.MAINTENANCE, Mode.RETURNING, Mode.FENCE_LOST,
    }  # fmt: skip


@pytest.mark.parametrize(("came_from", "to"), PAIRS)
def test_a_record_goes_only_where_the_table_leads(came_from: Mode, to: Mode) -> None:
    asked = came_from is to or (came_from.value, to.value) in ASKED
    back = to is Mode.ACCEPTING and (came_from.value, "returning") in ASKED
    if not asked and not back:
        with pytest.raises(NotInTable):
            route(came_from, to)
        return
    walked = [came_from, *map(Mode, route(came_from, to))]
    assert walked[-1] is to
    for begins, ends in itertools.pairwise(walked):
        assert judge(begins, begins, ends).event in EVENTS


def test_any_mode_may_end_as_gone_and_nothing_follows_that() -> None:
    for mode in Mode:
        assert route(mode, GONE) == (GONE,)
        with pytest.raises(ValueError, match="gone"):
            route(GONE, mode)
    assert route(GONE, GONE) == ()


def test_each_change_on_a_route_has_its_name() -> None:
    assert names_of(["maintenance"], "accepting") == {
        "maintenance>returning": "maintenance_ended",
        "returning>accepting": "returned_to_service",
    }
    assert names_of(["drained", "maintenance"], "fence_lost") == {
        "drained>fence_lost": "fence_lost_when_drained",
        "maintenance>fence_lost": "fence_lost_in_maintenance",
    }
    assert names_of(["draining"], GONE) == {f"draining>{GONE}": GONE}
    assert names_of(["drained"], "drained") == {}
