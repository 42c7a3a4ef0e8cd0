"""Clocks that times are compared between."""

import pytest

from jobs.doctor import Level, compare_clocks

NOW = 1_000_000_000_000


def test_clocks_that_agree_within_some_seconds_are_fine() -> None:
    (found,) = compare_clocks(NOW, {"The API server's clock": NOW - 4_000})
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("off", "said"), [(60_000, "60 s ahead of"), (-3_600_000, "3600 s behind")]
)
def test_a_clock_that_is_off_is_unsafe_and_by_how_much_is_said(off: int, said: str) -> None:
    (found,) = compare_clocks(NOW, {"The API server's clock": NOW + off})
    assert found.level is Level.UNSAFE
    assert said in found.what
