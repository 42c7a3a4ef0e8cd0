"""What a person types beside the demo."""

import os
import pty
import re
import termios
from collections.abc import Iterator

import pytest

from sandbox.demo.keys import COMMANDS, Lines, Typed, TypingError, parse


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("kill", Typed("kill")),
        ("k", Typed("kill")),
        ("  Quit ", Typed("quit")),
        ("s db", Typed("scale", "db")),
        ("scale payments/db 4", Typed("scale", "payments/db", 4)),
        ("o ledger", Typed("open", "ledger")),
        ("u node-2", Typed("uncordon", "node-2")),
        ("?", Typed("help")),
        ("", None),
        ("   ", None),
    ],
)
def test_a_command_is_read_by_its_first_letters(line: str, typed: Typed | None) -> None:
    assert parse(line) == typed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("flurb", "There is no 'flurb' here. Commands: kill, scale"),
        ("scale", "It is: scale NAME [N]"),
        ("open a b", "It is: open NAME"),
        ("uncordon", "It is: uncordon NODE"),
        ("scale db many", "'many' is no number of replicas"),
        ("scale db 0", "'0' is no number of replicas"),
        ("scale db 101", "'101' is no number of replicas"),
        ("scale db ٣", "is no number of replicas"),
        ("kill worker-1", "`kill` stands alone"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_would_be(line: str, words: str) -> None:
    with pytest.raises(TypingError, match=re.escape(words)):
        parse(line)


def test_each_command_has_a_first_letter_of_its_own() -> None:
    assert len({usage[0] for usage in COMMANDS}) == len(COMMANDS)


@pytest.fixture
def terminal() -> Iterator[tuple[int, Lines]]:
    ours, theirs = pty.openpty()
    lines = Lines(theirs)
    with lines.unechoed():
        yield ours, lines
    os.close(ours)
    os.close(theirs)


def test_keys_make_a_line_and_what_is_not_ended_waits(terminal: tuple[int, Lines]) -> None:
    keyboard, lines = terminal
    os.write(keyboard, "/drain nodé".encode())
    assert lines.read(within_s=5) is None
    assert lines.buffer == "/drain nodé"
    os.write(keyboard, b"\x7fe-1\nk")
    assert lines.read(within_s=5) == "/drain node-1"
    assert lines.read(within_s=5) is None
    assert lines.buffer == "k"
    assert lines.read(within_s=0) is None


def test_arrows_and_other_keys_without_a_letter_leave_nothing(terminal: tuple[int, Lines]) -> None:
    keyboard, lines = terminal
    os.write(keyboard, b"a\x1b[A\x1b[1;5Cb\x1bOP\x07c\td\n")
    assert lines.read(within_s=5) == "abcd"
    os.write(keyboard, b"all wrong\x15right\n")
    assert lines.read(within_s=5) == "right"


def test_ctrl_d_ends_it_only_where_nothing_is_typed(terminal: tuple[int, Lines]) -> None:
    keyboard, lines = terminal
    os.write(keyboard, b"ki\x04")
    assert lines.read(within_s=5) is None
    assert not lines.ended
    os.write(keyboard, b"ll\n\x04")
    assert lines.read(within_s=5) == "kill"
    assert lines.read(within_s=5) is None
    assert lines.ended


def test_a_letter_that_comes_in_two_pieces_is_one() -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    os.write(writing, b"\xc3")
    assert lines.read(within_s=5) is None
    assert (lines.buffer, lines.ended) == ("", False)
    os.write(writing, b"\xa9\n")
    assert lines.read(within_s=5) == "é"
    os.close(writing)
    assert lines.read(within_s=5) is None
    assert lines.ended
    os.close(reading)


def test_the_terminal_is_given_back_as_it_was() -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with Lines(theirs).unechoed():
        assert not termios.tcgetattr(theirs)[3] & (termios.ECHO | termios.ICANON)
        assert termios.tcgetattr(theirs)[3] & termios.ISIG  # Ctrl-C stays a signal
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
