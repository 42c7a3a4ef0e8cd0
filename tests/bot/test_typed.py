"""What Slack makes of what people type, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.grammar import Drain, parse
from bot.typed import as_typed
from jobs.options import UsageError


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("node-1 reason a &amp; b", "node-1 reason a & b"),
        ("-l cpu&gt;4", "-l cpu>4"),
        ("&amp;lt;", "&lt;"),
        ("reason <@U02BOB|bo> asked <@U03EVE>", "reason @bo asked @U03EVE"),
        ("see <#C01OPS|ops> or <#C02|>", "see #ops or #C02"),
        ("<!here> <!subteam^S0SRE|@sre>", "@here @sre"),
        ("<http://node-1.example.com|node-1.example.com>", "node-1.example.com"),
        ("<http://node-1.example.com/|node-1.example.com>", "node-1.example.com"),
        ("<https://wiki/x?a=1|https://wiki/x?a=1>", "https://wiki/x?a=1"),
        ("<mailto:ana@example.com|ana@example.com>", "ana@example.com"),
        ("<tel:10203040|10-20-30-40>", "10-20-30-40"),
        ("node-1\u00a0node-2\u202fnode-3", "node-1 node-2 node-3"),
        ("no\u200bde-\u00ad1\ufeff", "node-1"),
        ("\u202enode-1\u2069", "node-1"),
    ],
)
def test_what_slack_sent_is_read_as_it_was_typed(sent: str, typed: str) -> None:
    assert as_typed(sent) == typed


@pytest.mark.parametrize(
    "sent",
    [
        "<http://evil.example/|node-1>",
        "<https://node-1|node-2>",
        "<x|node-1>",
        "<mailto:a@b|node-1>",
    ],
)
def test_an_address_behind_another_word_is_not_taken_for_the_word(sent: str) -> None:
    assert "node-1" not in as_typed(sent).split()
    with pytest.raises(UsageError):
        parse(as_typed(sent), cluster="prod-eu")


def test_a_token_that_a_person_typed_out_is_none() -> None:
    assert as_typed("&lt;@U02BOB&gt;") == "<@U02BOB>"


@pytest.mark.parametrize(
    "text",
    [
        "node-1 —timeout=5m –force reason it’s “done”",  # noqa: RUF001
        "node-1 ––timeout 5m ——force reason it’s “done”",  # noqa: RUF001
        "node-1\u00a0—timeout=“5m”\u00a0–force —reason=it’s “done”",  # noqa: RUF001
    ],
)
def test_quotes_dashes_and_blanks_of_phones_are_those_that_were_meant(text: str) -> None:
    asked = parse(as_typed(text), cluster="prod-eu")
    assert isinstance(asked, Drain)
    assert asked.command.nodes == ("node-1",)
    assert (asked.command.options.timeout, asked.command.options.force) == (300, True)
    assert asked.command.reason == "it’s “done”"  # noqa: RUF001


@given(st.text(max_size=200))
def test_any_text_has_an_answer_and_nothing_unseen_stays(text: str) -> None:
    assert not {"\u200b", "\u202e", "\u00a0"} & set(as_typed(text))
