"""Force, one pod at a time: whose turn it is."""

from jobs.activities.forcing import LOOK_EVERY, NEXT_AFTER, Forcing, Turn
from jobs.drain.wellness import SETTLED

BOTH = frozenset({"a", "b"})


def test_nothing_to_force_is_done() -> None:
    assert Forcing().turn(BOTH, 0) is Turn.DONE
    assert not Forcing().busy


def test_the_next_one_waits_until_the_replacement_is_ready() -> None:
    forcing = Forcing(todo=("a", "b"))
    assert forcing.turn(BOTH, 0) is Turn.DELETE
    forcing = forcing.sent("a", "shop/a", ready_before=2, now=1000)
    assert (forcing.todo, forcing.done, forcing.busy) == (("b",), ("shop/a",), True)
    assert forcing.turn(BOTH, 1000) is Turn.WAIT  # it is still there
    gone = frozenset({"b"})
    assert forcing.turn(gone, 1000) is Turn.LOOK
    forcing = forcing.looked(1, 1000)
    assert forcing.turn(gone, 1000 + LOOK_EVERY - 1) is Turn.WAIT
    assert forcing.turn(gone, 1000 + LOOK_EVERY) is Turn.LOOK
    forcing = forcing.looked(2, 2000)
    assert forcing.turn(gone, 2000) is Turn.DELETE


def test_an_owner_that_still_counts_the_pod_that_is_gone_is_not_believed_at_once() -> None:
    forcing = Forcing(todo=("a", "b")).sent("a", "shop/a", ready_before=2, now=0)
    early = forcing.looked(2, 1000)
    assert early.current == "a"
    assert early.looked(2, 1000 + SETTLED - 1).current == "a"
    assert early.looked(2, 1000 + SETTLED).current == ""  # its replacement was faster than we
    assert early.looked(1, 1100).looked(2, 1200).current == ""


def test_a_replacement_that_never_comes_is_waited_for_a_minute() -> None:
    forcing = Forcing(todo=("a", "b")).sent("a", "shop/a", ready_before=2, now=0)
    assert forcing.turn(frozenset({"b"}), NEXT_AFTER) is Turn.DONE
    assert forcing.over().turn(frozenset({"b"}), NEXT_AFTER) is Turn.DELETE


def test_nobody_waits_for_the_replacement_of_a_pod_that_was_not_ready_or_is_the_last() -> None:
    unready = Forcing(todo=("a", "b")).sent("a", "shop/a", ready_before=-1, now=0)
    assert unready.turn(BOTH, 1) is Turn.WAIT
    assert unready.turn(frozenset({"b"}), 1) is Turn.DONE
    last = Forcing(todo=("a",)).sent("a", "shop/a", ready_before=3, now=0)
    assert last.turn(BOTH, 1) is Turn.WAIT
    assert last.turn(frozenset(), 1) is Turn.DONE


def test_a_pod_that_went_by_itself_needs_no_force() -> None:
    assert Forcing(todo=("a", "b"), done=("shop/x",)).gone("a") == Forcing(
        todo=("b",), done=("shop/x",)
    )


def test_where_pods_of_other_nodes_share_the_turn_the_last_ones_replacement_is_waited_for() -> None:
    forcing = Forcing(todo=("a",), turn_of="q-1").sent("a", "shop/a", ready_before=2, now=0)
    assert forcing.turn(frozenset(), LOOK_EVERY) is Turn.LOOK
    assert forcing.looked(1, 1).turn(frozenset(), 1) is Turn.WAIT
    assert not forcing.looked(1, 1).looked(2, 2).busy
    assert forcing.turn(frozenset(), NEXT_AFTER) is Turn.DONE
    assert forcing.over().turn_of == "q-1"
