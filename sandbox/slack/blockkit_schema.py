"""Small checkers from which Block Kit's rules are put together; pure.

A checker takes a value and its JSON pointer and yields one sentence for each thing wrong. Unknown
keys are refused everywhere, as Slack refuses them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = [
    "Checker",
    "array",
    "boolean",
    "choice",
    "digits",
    "integer",
    "literal",
    "matching",
    "record",
    "string",
    "tagged",
]

Checker = Callable[[Any, str], Iterator[str]]


def string(longest: int, *, shortest: int = 1) -> Checker:
    """Accept a text of so many characters; Slack counts characters, not bytes."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{at}: must be a string"
        elif len(value) < shortest:
            yield f"{at}: must be at least {shortest} characters"
        elif len(value) > longest:
            yield f"{at}: must be at most {longest} characters, has {len(value)}"

    return check


def boolean(value: Any, at: str) -> Iterator[str]:
    """Accept true and false."""
    if not isinstance(value, bool):
        yield f"{at}: must be true or false"


def integer(lowest: int, highest: int) -> Checker:
    """Accept a whole number between the two, inclusive."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield f"{at}: must be a whole number"
        elif not lowest <= value <= highest:
            yield f"{at}: must be from {lowest} to {highest}, is {value}"

    return check


def digits(value: Any, at: str) -> Iterator[str]:
    """Accept a number written as a text, as number inputs want their bounds."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        yield f"{at}: must be a number, written as a string"


def choice(*allowed: str) -> Checker:
    """Accept one of the given texts."""

    def check(value: Any, at: str) -> Iterator[str]:
        if value not in allowed:
            yield f"{at}: must be one of {', '.join(allowed)}"

    return check


def literal(only: str) -> Checker:
    """Accept exactly this text."""
    return choice(only)


def matching(parse: Callable[[str], object], what: str) -> Checker:
    """Accept a text that ``parse`` takes without a ValueError."""

    def check(value: Any, at: str) -> Iterator[str]:
        try:
            parse(value)
        except (TypeError, ValueError):
            yield f"{at}: must be {what}"

    return check


def array(item: Checker, least: int, most: int) -> Checker:
    """Accept a list of so many items, each of which the checker accepts."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{at}: must be a list"
            return
        if not least <= len(value) <= most:
            yield f"{at}: must have {least} to {most} items, has {len(value)}"
        for index, each in enumerate(value):
            yield from item(each, f"{at}/{index}")

    return check


def record(
    *,
    required: Mapping[str, Checker],
    optional: Mapping[str, Checker] | None = None,
    also: Checker | None = None,
) -> Checker:
    """Accept an object with these keys and no others; ``also`` looks at it as a whole."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: must be an object"
            return
        for key in required:
            if key not in value:
                yield f"{at}: misses the required key {key!r}"
        for key, each in value.items():
            if key in known:
                yield from known[key](each, f"{at}/{key}")
            else:
                yield f"{at}: has the unknown key {key!r}"
        if also is not None:
            yield from also(value, at)

    return check


def tagged(variants: Mapping[str, Checker], *, tag: str = "type") -> Checker:
    """Accept an object by the checker that its type names."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: must be an object"
        elif value.get(tag) not in variants:
            allowed = ", ".join(sorted(variants))
            yield f"{at}: {tag} {value.get(tag)!r} is not allowed here (allowed: {allowed})"
        else:
            yield from variants[value[tag]](value, at)

    return check
