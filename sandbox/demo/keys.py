"""What a person types beside the demo: lines from the terminal, read as commands."""

import codecs
import os
import re
import select
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["COMMANDS", "Lines", "Typed", "TypingError", "parse"]

COMMANDS: Mapping[str, str] = {
    "kill": "kill the worker (SIGKILL); the demo starts the next one",
    "scale NAME [N]": "give a workload N replicas, or one more",
    "open NAME": "let a disruption budget allow one pod more",
    "uncordon NODE": "uncordon a node behind drainbot's back",
    "nodes": "show nodes and budgets",
    "cli": "how to use `drainbot` from another terminal",
    "help": "show this again",
    "quit": "stop everything (Ctrl-C does the same)",
}
"""Each command as it is typed, and what it does. One letter is enough."""

_WORDS = {usage.split()[0]: len(usage.split()) - 1 for usage in COMMANDS}
_ABOUT = {word for word, names in _WORDS.items() if names}  # they name what they are about
_MOST = 3000  # characters of a line
_ARROWS = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|.)?", re.DOTALL)  # and other such keys


class TypingError(ValueError):
    """It was not understood; the text says what would be."""


@dataclass(frozen=True)
class Typed:
    """A command and what it is about. `number` is 0 where none was given."""

    word: str
    name: str = ""
    number: int = 0


def parse(line: str) -> Typed | None:
    """Read a line; None if there is nothing in it. Raises :class:`TypingError`."""
    words = line.split()
    if not words:
        return None
    found = [word for word in _WORDS if word.startswith(words[0].lower())]
    if words[0] == "?":
        found = ["help"]
    if len(found) != 1:
        raise TypingError(f"There is no {words[0]!r} here. {_known()}")
    word, given = found[0], words[1:]
    if word not in _ABOUT:
        if given:
            raise TypingError(f"`{word}` stands alone.")
        return Typed(word)
    if not given or len(given) > _WORDS[word]:
        raise TypingError(f"It is: {next(u for u in COMMANDS if u.startswith(word))}")
    return Typed(word, given[0], _number(given[1]) if len(given) > 1 else 0)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= 100:  # noqa: PLR2004  a demo's size
        raise TypingError(f"{text!r} is no number of replicas: 1 to 100.")
    return int(text)


def _known() -> str:
    return f"Commands: {', '.join(_WORDS)}."


class Lines:
    """Lines that a person types, edited here: what the demo says meanwhile must not mix with them.

    `buffer` is what is typed of the next one; `ended` is true after Ctrl-D, or with the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self.buffer = ""
        self.ended = False

    @contextmanager
    def unechoed(self) -> Iterator[None]:
        """Get each key as it is pressed, and let the terminal show none, until the block ends."""
        before = termios.tcgetattr(self._descriptor)
        changed = termios.tcgetattr(self._descriptor)
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, changed)
        try:
            yield
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def read(self, *, within_s: float) -> str | None:
        """Return the next whole line, or None if there is none in that time.

        It returns early for any key: look at `buffer`.
        """
        if not self._rest and not self.ended:
            readable, _, _ = select.select([self._descriptor], [], [], within_s)
            if readable:
                self._take()
        while self._rest:
            key, self._rest = self._rest[0], self._rest[1:]
            if key in "\r\n":
                line, self.buffer = self.buffer, ""
                return line
            self._press(key)
        return None

    def _take(self) -> None:
        try:
            new = os.read(self._descriptor, 4096)
        except OSError:  # the terminal is gone
            new = b""
        self.ended = not new
        self._rest = _ARROWS.sub("", self._decoder.decode(new))

    def _press(self, key: str) -> None:
        match key:
            case "\x7f" | "\b":
                self.buffer = self.buffer[:-1]
            case "\x15":  # Ctrl-U
                self.buffer = ""
            case "\x04":  # Ctrl-D
                self.ended = self.ended or not self.buffer
            case _ if key.isprintable() and len(self.buffer) < _MOST:
                self.buffer += key
            case _:
                pass
