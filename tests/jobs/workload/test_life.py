"""A node's life: what was seen, what was missed, and what is stored of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.modes import TABLE, Action, Mode
from jobs.workload import (
    Forgotten,
    Gone,
    Life,
    Moved,
    Seen,
    Stands,
    Step,
    UnreadableState,
    begin,
    clear,
    observe,
)

UID = "uid-1"
names = st.sampled_from([*Mode, "gone", "melting"])
uids = st.sampled_from([UID, "uid-2"])
numbers = st.integers(min_value=0, max_value=6)
seen: st.SearchStrategy[Seen] = st.one_of(
    st.builds(Moved, uid=uids, came_from=names, to=names, seq=numbers),
    st.builds(Stands, uid=uids, mode=names, seq=numbers),
    st.builds(Gone, why=st.just("It is gone.")),
    st.builds(Forgotten),
)


def life(mode: str = "accepting", seq: int = 0) -> Life:
    return begin("node-1", UID, mode, seq).life


def must(step: Step | None) -> Step:
    assert step is not None
    return step


def halts(step: Step | None, event: str) -> Life:
    done = must(step)
    assert (done.action, done.event) == (Action.HALT, event)
    assert done.life.state.halted
    assert done.life.state.halted_because
    return done.life


def test_a_change_is_followed_once() -> None:
    moved = Moved(UID, "accepting", "draining", 1)
    step = must(observe(life(), moved))
    assert (step.action, step.event, step.life.seq) == (
        Action.CHECKPOINT_AND_DRAIN, "drain_started", 1,
    )  # fmt: skip
    assert observe(step.life, moved) is None
    assert observe(step.life, Stands(UID, "draining", 1)) is None


def test_one_change_that_nobody_saw_is_known_from_where_it_led() -> None:
    step = must(observe(life(), Stands(UID, "draining", 1)))
    assert step.event == "drain_started"
    assert not step.life.state.halted


@pytest.mark.parametrize(
    "gap",
    [
        Moved(UID, "draining", "drained", 2),
        Stands(UID, "drained", 2),
        Stands(UID, "accepting", 2),  # it went away and came back
        Stands(UID, "draining", 0),  # the count says that nothing changed
    ],
)
def test_a_gap_halts_and_goes_on_from_where_the_node_is(gap: Moved | Stands) -> None:
    halted = halts(observe(life(), gap), "transitions_missed")
    mode = gap.to if isinstance(gap, Moved) else gap.mode
    assert (halted.state.mode.value, halted.seq) == (mode, gap.seq)
    assert observe(halted, gap) is None  # said once


def test_a_count_that_fell_back_halts() -> None:
    halts(observe(life("drained", seq=5), Stands(UID, "draining", 4)), "transitions_missed")


def test_a_change_that_the_table_refuses_halts_with_both_modes_named() -> None:
    halted = halts(observe(life(), Moved(UID, "accepting", "drained", 1)), "transition_refused")
    assert "from accepting to drained" in halted.state.halted_because
    halts(observe(life(), Moved(UID, "draining", "drained", 1)), "transition_refused")


def test_an_unknown_mode_halts_and_is_found_again_by_its_next_change() -> None:
    halted = halts(observe(life(), Moved(UID, "accepting", "melting", 1)), "unknown_event")
    assert observe(halted, Stands(UID, "melting", 1)) is None
    later = must(observe(halted, Moved(UID, "melting", "draining", 2)))
    assert (later.action, later.life.seq) == (Action.HALT, 2)
    assert begin("node-1", UID, "melting", 3).action is Action.HALT


def test_a_node_that_is_gone_or_replaced_halts() -> None:
    for sight, event in (
        (Gone("It was deleted."), "node_gone"),
        (Moved(UID, "accepting", "gone", 1), "node_gone"),
        (Stands("uid-2", "accepting", 0), "node_replaced"),
    ):
        halted = halts(observe(life(), sight), event)
        assert observe(halted, sight) is None


def test_the_record_of_an_earlier_node_of_that_name_says_nothing() -> None:
    young = begin("node-1", UID, "accepting", 0, predecessor="uid-0").life
    assert observe(young, Stands("uid-0", "drained", 7)) is None
    assert observe(young, Moved("uid-0", "drained", "maintenance", 8)) is None
    assert must(observe(young, Moved(UID, "accepting", "draining", 1))).event == "drain_started"


def test_a_record_that_nobody_needed_any_more_begins_anew() -> None:
    step = must(observe(life(seq=5), Forgotten()))
    assert (step.action, step.life.seq, step.life.state.halted) == (Action.ACCEPT, 0, False)
    assert observe(step.life, Forgotten()) is None
    halts(observe(life("drained", seq=5), Forgotten()), "transitions_missed")


def test_a_cleared_halt_goes_on_where_the_node_is() -> None:
    halted = halts(observe(life(), Stands(UID, "drained", 4)), "transitions_missed")
    step = clear(halted, by="ana", why="nothing was under way")
    assert (step.action, step.event, step.why) == (
        Action.PERSIST_FINAL_CHECKPOINT, "halt_cleared", "ana: nothing was under way",
    )  # fmt: skip
    after = must(observe(step.life, Moved(UID, "drained", "returning", 5)))
    assert (after.action, after.life.state.halted) == (Action.QUIESCE, False)


@given(st.sampled_from(Mode), st.lists(seen, max_size=30))
def test_whatever_is_seen_is_answered_without_an_error_and_said_once(
    mode: Mode, sights: list[Seen]
) -> None:
    now = begin("node-1", UID, mode, 0).life
    for sight in sights:
        step = observe(now, sight)
        if step is not None:
            assert step.life != now
            assert (step.action is Action.HALT) == step.life.state.halted
            assert not (now.state.halted and step.action is not Action.HALT) or (
                step.event == "record_forgotten"
            )
            now = step.life
        assert observe(now, sight) is None
        assert Life.from_json(now.to_json()) == now


@given(st.data())
def test_who_sees_every_change_never_halts_but_where_the_table_says_so(
    data: st.DataObject,
) -> None:
    watched, polled, mode = life(), life(), Mode.ACCEPTING
    rows = [row for row in TABLE if row.action is not Action.HALT]
    for seq in range(1, data.draw(st.integers(0, 12)) + 1):
        row = data.draw(st.sampled_from([row for row in rows if row.came_from is mode]))
        mode = row.to
        step = must(observe(watched, Moved(UID, row.came_from, row.to, seq)))
        assert (step.action, step.event) == (row.action, row.event)
        watched = step.life
        assert must(observe(polled, Stands(UID, mode, seq))) == step
        polled = watched


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"v": 2}', json.dumps({**life().to_plain(), "v": 0}), '{"v": 1}',
     json.dumps({**life().to_plain(), "seq": "many"})],
)  # fmt: skip
def test_what_is_no_stored_life_of_this_version_is_refused(text: str) -> None:
    with pytest.raises(UnreadableState):
        Life.from_json(text)
