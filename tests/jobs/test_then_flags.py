"""What is to come after a drain, as it is typed: `--then wait --for 2h`."""

import pytest

from jobs.models import DrainOptions
from jobs.options import UsageError, parse_drain, render_options


def test_it_is_one_wish_however_it_is_typed() -> None:
    wanted = DrainOptions(then="wait", expected=7200)
    for flags in ("--then wait --for 2h", "--then=wait --for=120m", "—for 2h —then=wait"):
        assert parse_drain(f"node-1 {flags} reason disks").options == wanted
    assert render_options(wanted) == ["--then=wait", "--for=2h"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--for 2h", "it needs --then=wait"),
        ("--then=return", "there is only --then=wait"),
        ("--then", "--then needs a value: --then=wait"),
        ("--then wait --for 10s", "1m to 90d"),
        ("--then wait --for 100d", "1m to 90d"),
        ("--then wait --for soon", "--for="),
    ],
)
def test_what_is_half_a_wish_is_refused_with_what_would_be_one(flags: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_drain(f"node-1 {flags}")
