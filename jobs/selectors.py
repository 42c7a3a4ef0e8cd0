"""Kubernetes label selectors: read and matched here, so that a mistake is told before a request.

The grammar and its meaning are those of apimachinery's `labels.Parse` (pkg/labels/selector.go):
`a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, `a>1`, `a<1`, joined by commas.
`!=` and `notin` also match objects without the key. Blanks around tokens don't matter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jobs.errors import DrainbotError
from jobs.ids import is_node_name, quoted

__all__ = ["Operator", "Requirement", "Selector", "SelectorError", "check_label", "parse"]

Operator = Literal["=", "!=", "in", "notin", "exists", "!", ">", "<"]

_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|=|!=|!|\(|\)|,|<|>)|([^ \t\r\n=!(),<>]+))")
_SYMBOLS = frozenset({"==", "=", "!=", "!", "(", ")", ",", "<", ">"})
_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
_NAME_MAX = 63
_INTEGER = re.compile(r"[0-9]{1,18}\Z")  # no sign: a bound must be a label's value too


class SelectorError(DrainbotError, ValueError):
    """A selector can't be read; the text says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label. `values` is empty for `exists` and `!`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def match(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it, as the API server decides."""
        value = labels.get(self.key)
        match self.operator:
            case "=" | "in":
                return value in self.values
            case "!=" | "notin":
                return value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        if value is None or not _INTEGER.match(value):
            return False
        bound = int(self.values[0])
        return int(value) > bound if self.operator == ">" else int(value) < bound

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                # The empty value alone needs its comma: `a in ()` would be no list at all.
                return f"{self.key} {self.operator} ({','.join(self.values) or ','})"
        return f"{self.key}{self.operator}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that must all hold; none at all matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def match(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(requirement.match(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


def parse(text: str) -> Selector:
    """Read a selector; the empty one selects everything. Raise :class:`SelectorError`."""
    return _Parser(text).selector()


def check_label(key: str, value: str = "") -> str:
    """Return what is wrong with a label's key or value, in words, or "" if nothing is."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_node_name(prefix):  # a prefix is a DNS subdomain, as nodes' names are
        return f"{quoted(key)} is not a label's key: {quoted(prefix)} is no DNS name"
    if len(name) > _NAME_MAX or not _NAME.match(name):
        return (
            f"{quoted(key)} is not a label's key: at most {_NAME_MAX} letters, digits, -, _ and . "
            "that begin and end with a letter or digit"
        )
    if value and (len(value) > _NAME_MAX or not _NAME.match(value)):
        return (
            f"{quoted(value)} is not a label's value: at most {_NAME_MAX} letters, digits, -, _ "
            "and . that begin and end with a letter or digit"
        )
    return ""


class _Parser:
    """One left-to-right pass over the tokens; each method eats what it is named for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [match[1] or match[2] for match in _TOKEN.finditer(text)]
        self._next = 0

    def selector(self) -> Selector:
        if not self._tokens:
            return Selector()
        requirements = [self._requirement()]
        while self._peek() == ",":
            self._take()
            requirements.append(self._requirement())
        if self._peek():
            raise self._expected("a comma or the end")
        return Selector(tuple(requirements))

    def _requirement(self) -> Requirement:
        if self._peek() == "!":
            self._take()
            return self._checked(Requirement(self._word("a label's key"), "!"))
        key = self._word("a label's key")
        if self._peek() in {"", ","}:
            return self._checked(Requirement(key, "exists"))
        operator = self._take()
        match operator:
            case "=" | "==":
                return self._checked(Requirement(key, "=", (self._value(),)))
            case "!=":
                return self._checked(Requirement(key, "!=", (self._value(),)))
            case "in" | "notin":
                return self._checked(Requirement(key, operator, self._values()))
            case ">" | "<":
                return self._checked(Requirement(key, operator, (self._integer(),)))
        self._next -= 1
        raise self._expected(f"an operator (=, !=, in, notin) after {quoted(key)}")

    def _values(self) -> tuple[str, ...]:
        if self._peek() != "(":
            raise self._expected("a list such as (a, b)")
        self._take()
        if self._peek() == ")":
            raise self._expected("a value: the list is empty")
        values = [self._value()]
        while self._peek() == ",":
            self._take()
            values.append(self._value())
        if self._peek() != ")":
            raise self._expected("a comma or )")
        self._take()
        return tuple(dict.fromkeys(values))

    def _value(self) -> str:
        """Take a word, or nothing: `a=` and `a in (b,)` name the empty value, as in Kubernetes."""
        return "" if self._peek() in {"", ",", ")"} else self._word("a value")

    def _integer(self) -> str:
        value = self._word("a whole number")
        if not _INTEGER.match(value):
            self._next -= 1
            raise self._expected("a whole number")
        return value

    def _word(self, what: str) -> str:
        if self._peek() in {"", *_SYMBOLS}:
            raise self._expected(what)
        return self._take()

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _expected(self, what: str) -> SelectorError:
        found = quoted(self._peek()) if self._peek() else "the end"
        return SelectorError(
            f"The label selector {quoted(self._text)} can't be read: "
            f"expected {what}, found {found}."
        )

    def _checked(self, requirement: Requirement) -> Requirement:
        for value in requirement.values or ("",):
            if wrong := check_label(requirement.key, value):
                raise SelectorError(f"The label selector {quoted(self._text)}: {wrong}.")
        return requirement
