"""The plan of a run is a value: what a seed says does not depend on when or where it is asked."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sandbox.chaos.happenings import Act, Clash, Fault, RedisDies, Still, World
from sandbox.chaos.plan import Cast, plan

ROOT = Path(__file__).parents[3]


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert plan(7, 120) == plan(7, 120)
    assert plan(7, 120) != plan(8, 120)


def test_another_process_gives_the_same_plan() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "sandbox.chaos", "--seed", "7", "--minutes", "2", "--print-plan"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert shown == f"{plan(7, 120)}\n"


def test_a_longer_run_begins_as_a_shorter_one_does() -> None:
    short, long = plan(3, 60), plan(3, 180)
    assert long.events[: len(short.events)] == short.events
    assert long.clocks == short.clocks


def test_all_happens_within_the_time_and_in_its_order() -> None:
    events = plan(5, 60).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert [event.number for event in events] == list(range(len(events)))
    assert events[0].at > 0
    assert events[-1].at < 60


def test_a_long_run_has_everything_in_it() -> None:
    kinds = {type(event.what) for event in plan(1, 1800).events}
    assert kinds == {*Fault.__args__, *World.__args__, *Act.__args__}


def test_some_clocks_are_off_by_an_hour() -> None:
    off = Counter(clock for seed in range(30) for clock in plan(seed, 1).clocks)
    assert set(off) == {0.0, 3600.0, -3600.0}


def test_whoever_stands_still_does_so_for_longer_than_a_lease() -> None:
    from sandbox.chaos.stage import LEASE  # noqa: PLC0415  it imports all of drainbot

    still = [e.what for e in plan(2, 1800).events if isinstance(e.what, Still)]
    assert still
    assert all(one.seconds > LEASE for one in still)


@pytest.mark.parametrize("cast", [Cast(), Cast(workers=1, bots=1), Cast(workers=4, bots=3)])
def test_only_those_who_take_part_are_harmed(cast: Cast) -> None:
    for event in plan(4, 600, cast).events:
        wire = getattr(event.what, "wire", "")
        assert not wire or wire in cast.wires
        host = getattr(event.what, "host", 0)
        assert host < (cast.bots if getattr(event.what, "role", "") == "bot" else cast.workers)


def test_pace_makes_more_happen() -> None:
    usual, busy = plan(9, 600), plan(9, 600, Cast(pace=3))
    assert len(busy.events) > 2 * len(usual.events)
    assert any(isinstance(event.what, RedisDies) for event in busy.events)


def test_people_answer_a_question_each_with_one_choice() -> None:
    for event in plan(6, 600).events:
        if isinstance(event.what, Clash):
            names = [name for name, _ in event.what.choices]
            assert len(names) == len(set(names)) > 0
