"""Label selectors, as strings that people type and as objects in budgets.

The meaning is Kubernetes' own: `!=` and `notin` also match a label that is absent.
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jobs.errors import DrainbotError

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]

_KEY = r"(?P<key>[A-Za-z0-9][A-Za-z0-9_./-]*)"
_VALUE = r"[A-Za-z0-9]?[A-Za-z0-9_.-]*"
_FORMS: tuple[tuple[re.Pattern[str], Operator], ...] = (
    (re.compile(rf"{_KEY}\s*==?\s*(?P<one>{_VALUE})"), "In"),
    (re.compile(rf"{_KEY}\s*!=\s*(?P<one>{_VALUE})"), "NotIn"),
    (re.compile(rf"{_KEY}\s+in\s*\((?P<many>[^()]*)\)"), "In"),
    (re.compile(rf"{_KEY}\s+notin\s*\((?P<many>[^()]*)\)"), "NotIn"),
    (re.compile(_KEY), "Exists"),
    (re.compile(rf"!\s*{_KEY}"), "DoesNotExist"),
)


class SelectorError(DrainbotError):
    """A label selector that can't be read; the text names the part that is wrong."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet it."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that must all hold; without any, everything matches (`nothing`: none does)."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels are selected."""
        return not self.nothing and all(each.matches(labels) for each in self.requirements)


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


def parse(text: str) -> Selector:
    """Read a selector as people type it, like `app=web,tier in (a, b),!old`.

    Raises :class:`SelectorError` with the part that can't be read.
    """
    if not text.strip():
        return EVERYTHING
    parts = re.split(r",(?![^()]*\))", text)
    return Selector(tuple(_requirement(part.strip(), text) for part in parts))


def _requirement(part: str, text: str) -> Requirement:
    for form, operator in _FORMS:
        if found := form.fullmatch(part):
            groups = found.groupdict()
            if (many := groups.get("many")) is not None:
                values = frozenset(value.strip() for value in many.split(","))
                if not all(re.fullmatch(_VALUE, value) for value in values):
                    break
            else:
                one = groups.get("one")
                values = frozenset() if one is None else frozenset((one,))
            return Requirement(found["key"], operator, values)
    raise SelectorError(
        f"The selector {text!r} can't be read at {part!r}. "
        "Write it like app=web, app!=web, tier in (a,b), tier notin (a,b), app or !app."
    )


def from_object(selector: Mapping[str, Any] | None) -> Selector:
    """Read the `selector` of a policy/v1 budget: None selects nothing, `{}` everything.

    An operator that is not known selects nothing, as an invalid selector does in the server.
    """
    if selector is None:
        return NOTHING
    equal = (
        Requirement(key, "In", frozenset((value,)))
        for key, value in (selector.get("matchLabels") or {}).items()
    )
    expressions = selector.get("matchExpressions") or []
    known = {"In", "NotIn", "Exists", "DoesNotExist"}
    if any(each.get("operator") not in known for each in expressions):
        return NOTHING
    return Selector(
        (
            *equal,
            *(
                Requirement(each["key"], each["operator"], frozenset(each.get("values") or ()))
                for each in expressions
            ),
        )
    )
