"""The label selector of a budget, which is an object, as a :class:`jobs.selectors.Selector`."""

from collections.abc import Mapping
from typing import Any

from jobs.selectors import Operator, Requirement, Selector

EVERYTHING = Selector()
NOTHING = Selector((Requirement("kubernetes.io/nothing", "in", ()),))

_OPERATORS: Mapping[str, Operator] = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "!",
}


def from_object(selector: Mapping[str, Any] | None) -> Selector:
    """Read the `selector` of a policy/v1 budget: None selects nothing, `{}` everything.

    An operator that is not known selects nothing, as an invalid selector does in the server.
    """
    if selector is None:
        return NOTHING
    equal = [
        Requirement(key, "=", (value,))
        for key, value in sorted((selector.get("matchLabels") or {}).items())
    ]
    for each in selector.get("matchExpressions") or ():
        operator = _OPERATORS.get(each.get("operator", ""))
        if operator is None:
            return NOTHING
        equal.append(Requirement(each["key"], operator, tuple(each.get("values") or ())))
    return Selector(tuple(equal))
