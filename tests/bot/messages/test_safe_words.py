"""Words: short, on one line, safe to show, and the same for the same thing everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.style import MRKDWN, PLAIN, with_people
from bot.messages.text import clean, clip, escape, fit, label, listing, mention, short_id, size
from bot.messages.times import duration


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(1, 50))
def test_clean_words_are_one_short_line_without_anything_invisible(text: str, limit: int) -> None:
    words = clean(text, limit)

    assert size(words) <= limit
    assert "\n" not in words
    assert "\u202e" not in words
    words.encode()


@given(st.text(alphabet="<!here>@channel&;|`*_ ש\u202e\n", max_size=60))
def test_escaped_words_hold_no_token_of_slacks(text: str) -> None:
    words = escape(text)

    assert "<" not in words
    assert ">" not in words
    assert "@channel" not in words
    assert "@here" not in words


def test_right_to_left_words_reorder_nothing_around_them() -> None:
    assert escape("\u05e9\u05dc") == "\u2068\u05e9\u05dc\u2069"
    assert escape("plain") == "plain"


@given(st.lists(st.text(max_size=80), max_size=40), st.integers(60, 300))
def test_lines_that_do_not_fit_are_counted_and_none_is_cut(lines: list[str], limit: int) -> None:
    told = [clean(line) for line in lines if clean(line)]

    shown = fit(told, limit).split("\n")

    assert size("\n".join(shown)) <= limit
    if shown != told and told:
        assert shown[-1].startswith("… and ")
        assert shown[:-1] == told[: len(shown) - 1]


def test_lists_say_how_many_are_left_out() -> None:
    assert listing(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listing(["a", "b"], 2, last=" and ") == "a and b"
    assert listing([], 2) == ""


@given(st.text(), st.integers(1, 40))
def test_clipping_never_exceeds_the_limit(text: str, limit: int) -> None:
    assert size(clip(text, limit)) <= limit


def test_only_ids_of_slacks_shape_become_mentions() -> None:
    assert mention("T01DEMO:U02BOB") == "<@U02BOB>"
    assert mention("S0SRE") == "<!subteam^S0SRE>"
    assert mention("C01OPS") == "<#C01OPS>"
    assert mention("U02BOB> <!here") == "U02BOB&gt; &lt;!here"


def test_labels_hold_no_markup() -> None:
    assert label("<!here> & @all", 75) == "\u2039!here\u203a + @\u200ball"


def test_an_operation_is_called_by_the_end_of_its_id() -> None:
    assert short_id("prod-eu-7f3k9q") == "7F3K9Q"


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 s"),
        (59_999, "59 s"),
        (300_000, "5 min"),
        (3_600_000, "1 h"),
        (3_900_000, "1 h 5 min"),
        (97_200_000, "1 d 3 h"),
        (-5, "0 s"),
    ],
)
def test_durations_are_told_in_two_units_at_most(ms: int, words: str) -> None:
    assert duration(ms) == words


def test_principals_in_words_of_the_workflow_become_people() -> None:
    words = "skipped by T01DEMO:U02BOB, T01DEMO:U03CY & more"

    assert with_people(words, MRKDWN) == "skipped by <@U02BOB>, <@U03CY> &amp; more"
    assert with_people(words, PLAIN) == "skipped by U02BOB, U03CY & more"
