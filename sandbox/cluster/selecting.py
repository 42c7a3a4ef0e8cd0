"""Label and field selectors: read once, then asked of many objects.

The grammar is that of k8s.io/apimachinery (pkg/labels/selector.go, pkg/fields/selector.go).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.cluster.errors import bad_request
from sandbox.cluster.objects import Item, Json

__all__ = [
    "EVERYTHING",
    "FieldGetter",
    "Selection",
    "label_selector_of",
    "matches_labels",
    "parse_fields",
    "parse_labels",
    "selection",
]

Labels = Mapping[str, str]
LabelTest = Callable[[Labels], bool]
FieldGetter = Callable[[Item], str]

_SET = re.compile(r"^\s*(?P<key>[^\s!=<>(),]+)\s+(?P<how>in|notin)\s*\((?P<values>[^()]*)\)\s*$")
_COMPARED = re.compile(
    r"^\s*(?P<key>[^\s!=<>(),]+)\s*(?P<how>==|!=|=|>|<)\s*(?P<value>[^\s!=<>(),]*)\s*$"
)
_EXISTS = re.compile(r"^\s*(?P<absent>!?)\s*(?P<key>[^\s!=<>(),]+)\s*$")
_BETWEEN_TERMS = re.compile(r",(?![^(]*\))")  # a comma, but not between parentheses


def _in(key: str, values: frozenset[str], *, wanted: bool) -> LabelTest:
    def test(labels: Labels) -> bool:
        # `notin` and `!=` also let through what has no such label.
        return (labels.get(key) in values) is wanted

    return test


def _exists(key: str, *, wanted: bool) -> LabelTest:
    return lambda labels: (key in labels) is wanted


def _number(key: str, limit: int, *, greater: bool) -> LabelTest:
    def test(labels: Labels) -> bool:
        try:
            value = int(labels[key])
        except (KeyError, ValueError):
            return False
        return value > limit if greater else value < limit

    return test


def _label_test(term: str, selector: str) -> LabelTest:
    if found := _SET.match(term):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _in(found["key"], values, wanted=found["how"] == "in")
    if found := _COMPARED.match(term):
        how, value = found["how"], found["value"]
        if how in "<>":
            if not re.fullmatch(r"-?\d+", value):
                raise bad_request(
                    f"unable to parse requirement: values[0]: Invalid value: {value!r}: "
                    "for 'Gt', 'Lt' operators, the value must be an integer"
                )
            return _number(found["key"], int(value), greater=how == ">")
        return _in(found["key"], frozenset([value]), wanted=how != "!=")
    if found := _EXISTS.match(term):
        return _exists(found["key"], wanted=not found["absent"])
    raise bad_request(f"unable to parse requirement: {term.strip()!r} in {selector!r}")


def parse_labels(selector: str) -> LabelTest | None:
    """Read a label selector; None if it selects everything. Raises ApiError 400."""
    if not selector.strip():
        return None
    tests = [_label_test(term, selector) for term in _BETWEEN_TERMS.split(selector)]
    if len(tests) == 1:
        return tests[0]
    return lambda labels: all(test(labels) for test in tests)


def _expression(requirement: Json) -> LabelTest:
    key, operator = requirement["key"], requirement["operator"]
    values = frozenset(requirement.get("values") or ())
    match operator:
        case "In" | "NotIn":
            return _in(key, values, wanted=operator == "In")
        case "Exists" | "DoesNotExist":
            return _exists(key, wanted=operator == "Exists")
    raise bad_request(f"{operator!r} is not a valid label selector operator")


def label_selector_of(selector: Json | None) -> LabelTest:
    """Read a LabelSelector object. None selects nothing, an empty one everything."""
    if selector is None:
        return lambda _: False
    wanted = selector.get("matchLabels") or {}
    tests = [_in(key, frozenset([value]), wanted=True) for key, value in wanted.items()]
    tests += [_expression(one) for one in selector.get("matchExpressions") or ()]
    return lambda labels: all(test(labels) for test in tests)


def matches_labels(selector: Json | None, labels: Labels) -> bool:
    """Whether a LabelSelector object selects those labels."""
    return label_selector_of(selector)(labels)


@dataclass(frozen=True)
class FieldTerm:
    """One term of a field selector."""

    field: str
    equal: bool
    value: str


def parse_fields(selector: str) -> tuple[FieldTerm, ...]:
    """Read a field selector. Raises ApiError 400."""
    terms = []
    for part in filter(None, (part.strip() for part in selector.split(","))):
        found = re.match(r"^(?P<field>[^=!]+?)\s*(?P<how>!=|==|=)\s*(?P<value>.*)$", part)
        if found is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{part}'")
        terms.append(FieldTerm(found["field"], found["how"] != "!=", found["value"]))
    return tuple(terms)


@dataclass(frozen=True)
class Selection:
    """What a list or a watch is limited to. ``node`` is the one node whose pods are asked for."""

    namespace: str = ""
    labels: LabelTest | None = None
    fields: tuple[tuple[FieldGetter, bool, str], ...] = ()
    node: str | None = None

    @property
    def narrowed(self) -> bool:
        """Whether it has a label or a field selector."""
        return self.labels is not None or bool(self.fields)

    def matches(self, item: Item) -> bool:
        """Whether the object is one of those."""
        if self.namespace and item.key.namespace != self.namespace:
            return False
        for get, equal, value in self.fields:
            if (get(item) == value) is not equal:
                return False
        return self.labels is None or self.labels(item.labels)


EVERYTHING = Selection()


def selection(
    namespace: str,
    label_selector: str,
    field_selector: str,
    getters: Mapping[str, FieldGetter],
    unknown: Callable[[str], Any],
) -> Selection:
    """Read both selectors. ``unknown`` makes the error for a field that can't be selected by."""
    terms = parse_fields(field_selector)
    node = None
    for term in terms:
        if term.field not in getters:
            raise unknown(term.field)
        if term.field == "spec.nodeName" and term.equal:
            node = term.value
    return Selection(
        namespace=namespace,
        labels=parse_labels(label_selector),
        fields=tuple((getters[term.field], term.equal, term.value) for term in terms),
        node=node,
    )
