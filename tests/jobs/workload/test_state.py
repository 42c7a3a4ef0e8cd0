"""What a workload is asked, and what it keeps: by the table, and by any sequence of changes."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.modes import TABLE, Action, Mode, ModeError, NotTheMode, judge
from jobs.workload import HaltStands, State, UnreadableState, clear_halt, follow
from jobs.workload.state import HALT_CLEARED, UNKNOWN_EVENT

PAIRS = list(itertools.product(Mode, Mode))
names = st.sampled_from([*Mode, "gone", "", "ACCEPTING"])


def state_in(mode: Mode, *, persisted: bool = False) -> State:
    return State(mode, accepts_new_work=mode is Mode.ACCEPTING, has_persisted_checkpoint=persisted)


@pytest.mark.parametrize(("came_from", "to"), PAIRS)
def test_each_change_asks_what_the_table_says_and_a_refused_one_changes_nothing(
    came_from: Mode, to: Mode
) -> None:
    state = state_in(came_from)
    try:
        row = judge(came_from, came_from, to)
    except ModeError as refused:
        with pytest.raises(type(refused)):
            follow(state, came_from, to)
        return
    done = follow(state, came_from, to)
    assert (done.action, done.event) == (row.action, row.event)
    if came_from is to:
        assert done.state == state
    else:
        assert done.state.mode is to
        assert done.state.accepts_new_work is (to is Mode.ACCEPTING)
        assert done.state.halted is (row.action is Action.HALT)


def test_a_whole_life_stops_persists_and_resumes() -> None:
    state, asked = State.begin(Mode.ACCEPTING), []
    assert state.accepts_new_work
    walk = ["accepting", "draining", "drained", "maintenance", "returning", "accepting"]
    for came_from, to in itertools.pairwise(walk):
        done = follow(state, came_from, to)
        state = done.state
        asked.append((done.action.value, state.accepts_new_work, state.has_persisted_checkpoint))
    assert asked == [
        ("checkpoint_and_drain", False, False),
        ("persist_final_checkpoint", False, True),
        ("quiesce", False, True),
        ("quiesce", False, True),
        ("resume_from_checkpoint", True, False),
    ]


@pytest.mark.parametrize("mode", Mode)
def test_who_begins_in_a_mode_is_asked_what_the_mode_asks(mode: Mode) -> None:
    state = State.begin(mode)
    assert state.asks is judge(mode, mode, mode).action
    assert state.accepts_new_work is (mode is Mode.ACCEPTING)
    assert state.halted is (mode is Mode.FENCE_LOST)


def test_a_change_from_another_mode_is_refused_by_name() -> None:
    with pytest.raises(NotTheMode, match=r"accepting.*draining to drained"):
        follow(State.begin(Mode.ACCEPTING), "draining", "drained")


@pytest.mark.parametrize(("came_from", "to"), [("accepting", "melting"), ("", "draining")])
def test_an_unknown_event_halts(came_from: str, to: str) -> None:
    done = follow(State.begin(Mode.ACCEPTING), came_from, to)
    assert (done.action, done.event) == (Action.HALT, UNKNOWN_EVENT)
    assert done.state.halted
    assert repr(to) in done.state.halted_because


def test_a_halt_keeps_its_first_reason_and_stays_through_every_later_change() -> None:
    state = follow(State.begin(Mode.DRAINED), "drained", "fence_lost").state
    because = state.halted_because
    assert "from drained to fence_lost" in because
    for came_from, to in itertools.pairwise(["fence_lost", "returning", "accepting", "draining"]):
        done = follow(state, came_from, to)
        state = done.state
        assert done.action is Action.HALT
        assert (state.mode.value, state.accepts_new_work) == (to, False)
        assert (state.halted, state.halted_because) == (True, because)
        assert follow(state, to, to).action is Action.HALT


@pytest.mark.parametrize(
    ("mode", "persisted", "asked"),
    [
        (Mode.ACCEPTING, False, Action.ACCEPT),
        (Mode.ACCEPTING, True, Action.RESUME_FROM_CHECKPOINT),
        (Mode.DRAINING, False, Action.CHECKPOINT_AND_DRAIN),
        (Mode.DRAINED, False, Action.PERSIST_FINAL_CHECKPOINT),
        (Mode.MAINTENANCE, True, Action.QUIESCE),
        (Mode.RETURNING, True, Action.QUIESCE),
    ],
)
def test_a_person_ends_a_halt_and_the_mode_asks_again(
    mode: Mode,
    persisted: bool,  # noqa: FBT001  (a column of the table)
    asked: Action,
) -> None:
    halted = follow(state_in(mode, persisted=persisted), mode, "melting").state
    done = clear_halt(halted, by="ana", why="looked at it")
    assert (done.action, done.event) == (asked, HALT_CLEARED)
    assert (done.state.halted, done.state.halted_because) == (False, "")
    assert done.state.accepts_new_work is (mode is Mode.ACCEPTING)


def test_a_halt_is_cleared_only_by_somebody_for_a_reason_and_not_while_the_fence_is_lost() -> None:
    halted = State.begin(Mode.FENCE_LOST)
    with pytest.raises(HaltStands, match="give it back"):
        clear_halt(halted, by="ana", why="I want to")
    with pytest.raises(HaltStands, match="no halt"):
        clear_halt(State.begin(Mode.DRAINING), by="ana", why="I want to")
    for by, why in (("", "x"), ("ana", " ")):
        with pytest.raises(ValueError, match="who and why"):
            clear_halt(halted, by=by, why=why)


@given(st.sampled_from(Mode), st.lists(st.tuples(names, names), max_size=30))
def test_whatever_comes_in_whatever_order_the_state_stays_sound(
    mode: Mode, changes: list[tuple[str, str]]
) -> None:
    state, rows = State.begin(mode), {(row.came_from, row.to) for row in TABLE}
    for came_from, to in changes:
        before = state
        try:
            done = follow(state, came_from, to)
        except ModeError:
            assert (before.mode, to) not in rows or came_from != before.mode
            continue
        state = done.state
        assert state.mode is before.mode or (before.mode, state.mode) in rows
        assert not (before.halted and done.action is not Action.HALT)
        assert state.halted is (before.halted or done.action is Action.HALT)
        assert state.accepts_new_work is (state.mode is Mode.ACCEPTING and not state.halted)
        assert not (state.accepts_new_work and state.has_persisted_checkpoint)
        assert State.from_plain(json.loads(json.dumps(state.to_plain()))) == state


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"mode": "melting"},
        {**State.begin(Mode.ACCEPTING).to_plain(), "mode": "melting"},
        {**State.begin(Mode.ACCEPTING).to_plain(), "halted": True},
        {**State.begin(Mode.ACCEPTING).to_plain(), "accepts_new_work": "yes"},
    ],
)
def test_what_is_no_stored_state_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(UnreadableState):
        State.from_plain(stored)
