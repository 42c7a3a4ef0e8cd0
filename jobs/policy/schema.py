"""A document held against a model: every mistake in words, with its line.

Pydantic finds the mistakes of values; checks between values look at the plain data, so that they
are told in the same breath even where some value is malformed.
"""

import json
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from jobs.ids import close_matches
from jobs.policy.document import Document, FileError, Location, Mistake, key_of, read_document

__all__ = ["Check", "parse_file"]

M = TypeVar("M", bound=BaseModel)

# Looks at the plain data, of any shape, and yields where something is wrong, and what.
Check = Callable[[Any], Iterable[tuple[Location, str]]]

_EXPECTED = {
    "bool_type": "expected true or false",
    "dict_type": "expected keys with values",
    "float_type": "expected a number",
    "int_from_float": "expected a whole number",
    "int_type": "expected a whole number",
    "missing": "is missing",
    "model_type": "expected keys with values",
    "string_type": "expected text; put it in quotes",
    "tuple_type": "expected a list",
}


def parse_file(
    text: str, model: type[M], *, source: str, error: type[FileError], check: Check
) -> M:
    """Return the file's text as a `model`, or raise `error` with every mistake in it.

    `source` is how the file is called in the error, such as its path.
    """
    document = read_document(text)
    value: M | None = None
    if not document.mistakes and not isinstance(document.data, dict):
        empty = document.data is None
        document.wrong((), "the file is empty" if empty else "expected keys with values")
    if isinstance(document.data, dict):
        value = _validated(document, model)
        for where, message in check(document.data):
            document.wrong(where, message)
    if value is None or document.mistakes:
        count = len(document.mistakes)
        raise error(f"{source} has {count} mistake{'s' if count > 1 else ''}:", document.mistakes)
    return value


def _validated(document: Document, model: type[M]) -> M | None:
    try:
        # By way of JSON, whose strictness takes a list for a tuple and nothing else for another.
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as problem:
        details = problem.errors(include_url=False, include_input=False)
        for detail in details:
            if "[key]" not in detail["loc"]:
                document.wrong(detail["loc"], _words(detail, detail["loc"], model))
        for detail in details:
            if "[key]" in detail["loc"]:  # beside any mistake of the key's value
                where = detail["loc"][: detail["loc"].index("[key]")]
                mistake = Mistake(document.line(where), key_of(where), _words(detail, where, model))
                document.mistakes.append(mistake)
        return None


def _words(detail: Mapping[str, Any], where: Location, model: type[BaseModel]) -> str:
    """Return one of pydantic's errors as a person would say it."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys(model, where[:-1])
        close = close_matches(str(where[-1]), known, limit=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return f"is not a key here; {hint}" if known else "takes no keys"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"expected {context['expected']}"
    if kind == "too_short":
        return "is empty: name at least one"
    bounds = {
        "greater_than_equal": f"expected at least {context.get('ge')}",
        "greater_than": f"expected more than {context.get('gt')}",
        "less_than_equal": f"expected at most {context.get('le')}",
    }
    return bounds.get(kind) or _EXPECTED.get(kind) or str(detail["msg"])


def _keys(model: type[BaseModel], where: Location) -> tuple[str, ...]:
    """Return the keys that the model knows at a location."""
    here: Any = model
    for part in where:
        here = _inner(here, part)
    here = _bare(here)
    is_model = isinstance(here, type) and issubclass(here, BaseModel)
    return tuple(here.model_fields) if is_model else ()


def _inner(kind: Any, part: str | int) -> Any:
    """Return the type of the value that `part` leads to."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return arguments[1]
    return arguments[0] if get_origin(kind) is tuple else None


def _bare(kind: Any) -> Any:
    """Return a type without what was annotated to it and without its None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return _bare(next(part for part in get_args(kind) if part is not types.NoneType))
    return kind
