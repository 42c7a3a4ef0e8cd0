"""When evictions wait for the API server, and when they go on."""

from typing import Any

import pytest

from jobs.drain.brake import Brake, Count, decide, failing
from tests.jobs.drain.making import NOW

SECOND = NOW // 1000
CAUSE = {"details": {"causes": [{"reason": "DisruptionBudget", "message": "no"}]}}


def ago(*counts: tuple[int, int, int]) -> list[Count]:
    """Counts as (seconds ago, calls, failed)."""
    return [(SECOND - seconds, calls, failed) for seconds, calls, failed in counts]


@pytest.mark.parametrize(
    ("counts", "on"),
    [
        ([(1, 20, 4)], True),
        ([(1, 20, 3)], False),
        ([(1, 9, 9)], False),  # too few to tell
        ([(1, 2, 1)], False),
        ([(29, 5, 1), (15, 3, 1), (0, 2, 0)], True),
        ([(30, 50, 50), (1, 10, 1)], False),  # long ago
        ([], False),
    ],
)
def test_a_fifth_of_the_calls_of_half_a_minute_puts_it_on(
    counts: list[tuple[int, int, int]], *, on: bool
) -> None:
    brake = decide(Brake(), ago(*counts), NOW)
    assert brake.on is on
    assert brake.since == (NOW if on else 0)


def test_it_says_how_many_calls_failed() -> None:
    brake = decide(Brake(), ago((1, 15, 5), (2, 5, 2)), NOW)
    assert brake.why == "evictions wait: 7 of 20 calls to the API server failed in the last 30 s"


@pytest.mark.parametrize(
    ("counts", "on"),
    [
        ([(1, 5, 0)], False),
        ([(9, 3, 0), (1, 7, 1)], False),
        ([(1, 4, 0)], True),  # too few to tell
        ([(1, 10, 2)], True),
        ([(11, 50, 0), (1, 3, 3)], True),
    ],
)
def test_it_goes_off_once_few_of_the_latest_calls_fail(
    counts: list[tuple[int, int, int]], *, on: bool
) -> None:
    before = Brake(on=True, since=NOW - 25_000)
    brake = decide(before, ago(*counts), NOW)
    assert brake.on is on
    assert brake.since == (before.since if on else NOW)


def test_only_calls_since_it_is_on_take_it_off() -> None:
    before = Brake(on=True, since=NOW - 2_000)
    assert decide(before, ago((3, 100, 0), (1, 4, 0)), NOW).on
    assert not decide(before, ago((3, 100, 100), (1, 5, 0)), NOW).on


def test_what_failed_before_it_went_off_does_not_put_it_on_again() -> None:
    before = Brake(on=False, since=NOW - 2_000)
    assert not decide(before, ago((10, 100, 100), (1, 10, 1)), NOW).on
    assert decide(before, ago((10, 100, 0), (1, 10, 2)), NOW).on


@pytest.mark.parametrize(
    ("status", "body", "failed"),
    [
        (200, {}, False),
        (404, {}, False),
        (409, {}, False),
        (403, {}, False),
        (500, {}, True),
        (503, "no JSON", True),
        (408, {}, True),
        (429, {}, True),
        (429, CAUSE, False),
        (500, {"message": "This pod has more than one PodDisruptionBudget"}, False),
        (500, {"message": 'admission webhook "w" denied the request: later'}, False),
        (500, {"message": 'failed calling webhook "w": no endpoints'}, True),
    ],
)
def test_budgets_and_webhooks_that_refuse_are_no_failures(
    status: int, body: Any, *, failed: bool
) -> None:
    assert failing(status, {}, body) is failed


# -- a server that was away -----------------------------------------------------------------------

AWAY = [(seconds, 1, 1) for seconds in range(1, 61)]  # each call of a minute failed


@pytest.mark.parametrize(
    ("counts", "on"),
    [
        ([*AWAY, (0, 3, 0)], False),
        ([*AWAY[3:], (3, 0, 0), (2, 1, 0), (1, 1, 0), (0, 1, 0)], False),  # one drain's looks
        ([*AWAY, (0, 2, 0)], True),  # too few to tell
        ([*AWAY[1:], (1, 2, 0), (0, 10, 3)], True),  # it is back, and not well
        ([*AWAY, (0, 5, 2)], False),  # it came back in the middle of a second
        ([*AWAY, (0, 4, 2)], True),
        ([(seconds, 2, 1) for seconds in range(1, 61)] + [(0, 3, 0)], True),  # it answered some
        ([(60, 10, 10), (50, 9, 0), (2, 8, 8), (1, 8, 8), (0, 3, 0)], True),  # too short to tell
        ([(50, 1, 1), (40, 1, 1), (30, 1, 1), (20, 1, 1), (9, 1, 1), (0, 3, 0)], False),  # it hung
        ([(50, 8, 8), (45, 8, 8), (4, 3, 1), (3, 8, 3)], True),  # long ago, and ill ever since
    ],
)
def test_a_server_that_was_away_and_is_back_takes_it_off_at_once(
    counts: list[tuple[int, int, int]], *, on: bool
) -> None:
    before = Brake(on=True, since=NOW - 59_000)
    assert decide(before, ago(*counts), NOW).on is on


@pytest.mark.parametrize("seconds", [4, 60, 600])
def test_however_long_it_was_away_evictions_go_on_within_two_seconds(seconds: int) -> None:
    """One drain's calls: some evictions fail at once, then one look a second; then it is back."""
    counts: dict[int, Count] = {SECOND: (SECOND, 32, 32)}
    brake = Brake()
    for second in range(SECOND, SECOND + seconds):
        counts.setdefault(second, (second, 1, 1))
        brake = decide(brake, counts.values(), second * 1000 + 900)
        assert brake.on
    back = SECOND + seconds
    counts[back] = (back, 4, 0)  # the node, its pods, their budgets, a watch
    assert not decide(brake, counts.values(), back * 1000 + 900).on
