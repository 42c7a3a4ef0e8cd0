import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.durations import parse_duration, render_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", 2),
        ("15m", 900),
        ("1h", 3600),
        ("30d", 2592000),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1m0.5s", 60.5),
        ("0s", 0),
        ("0", 0),
    ],
)
def test_durations_are_read_as_go_writes_them_and_in_days(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-5m", "5 m", "5M", "1h ", "5m\n", "1..5h", "٣m", "1y", "9999999999s"]
)
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30s, 15m"):
        parse_duration(text)


def test_more_than_ten_years_is_a_slip() -> None:
    with pytest.raises(ValueError, match="at most ten years"):
        parse_duration("3651d")


@given(st.integers(0, 10 * 365 * 86400))
def test_whole_seconds_survive_being_written(seconds: int) -> None:
    assert parse_duration(render_duration(seconds)) == seconds
