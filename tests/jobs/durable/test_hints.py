"""Which owners seem to be gone. Pure: what is connected and what time it is are passed in."""

from jobs.durable.hints import AFTER_RESTART, MISSING_FOR, Hints

OWNERS = {"op-1": "slot-1", "op-2": "slot-2"}


def gone(hints: Hints, *connected: str, now: float, run_id: str = "r1") -> list[str]:
    return hints.gone(OWNERS, connected, run_id=run_id, now=now)


def test_an_owner_that_is_missing_for_long_enough_seems_gone() -> None:
    hints = Hints()
    assert gone(hints, "slot-1", now=10) == []
    assert gone(hints, "slot-1", now=10 + MISSING_FOR - 0.01) == []
    assert gone(hints, "slot-1", now=10 + MISSING_FOR) == ["op-2"]


def test_an_owner_that_came_back_was_only_reconnecting() -> None:
    hints = Hints()
    gone(hints, "slot-1", now=10)
    gone(hints, "slot-1", "slot-2", now=10.2)
    assert gone(hints, "slot-1", now=10.4) == []
    assert gone(hints, "slot-1", now=10.4 + MISSING_FOR) == ["op-2"]


def test_all_workflows_of_a_missing_owner_are_named() -> None:
    hints = Hints()
    owners = {"op-1": "slot-1", "op-2": "slot-1"}
    hints.gone(owners, (), run_id="r1", now=0)
    assert hints.gone(owners, (), run_id="r1", now=1) == ["op-1", "op-2"]


def test_nobody_is_called_missing_while_all_reconnect_to_a_restarted_redis() -> None:
    hints = Hints()
    gone(hints, now=10)
    assert gone(hints, now=11, run_id="r2") == []
    assert gone(hints, now=11 + AFTER_RESTART - 0.01, run_id="r2") == []
    assert gone(hints, now=11 + AFTER_RESTART, run_id="r2") == []
    assert gone(hints, now=11 + AFTER_RESTART + MISSING_FOR, run_id="r2") == ["op-1", "op-2"]


def test_a_keeper_that_has_just_begun_waits_for_no_restart() -> None:
    hints = Hints()
    gone(hints, now=0)
    assert gone(hints, now=MISSING_FOR) == ["op-1", "op-2"]


def test_an_owner_that_has_nothing_to_do_any_more_is_forgotten() -> None:
    hints = Hints()
    gone(hints, "slot-1", now=0)
    hints.gone({"op-1": "slot-1"}, ["slot-1"], run_id="r1", now=0.1)
    assert hints.missing == {}
    assert gone(hints, "slot-1", now=10) == []
