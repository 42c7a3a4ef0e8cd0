"""What is special about the objects of one resource: how they begin, what they are selected by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.cluster.errors import ApiError, bad_request
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.selecting import FieldGetter
from sandbox.cluster.store import Store

__all__ = ["NAME_FIELDS", "Kind", "nested", "unsupported_label", "without_empty"]

_OMITTED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


def nested(*path: str, default: str = "") -> FieldGetter:
    """Return a getter of a text deep in the body; what is not there reads as the default."""

    def get(item: Item) -> str:
        value: object = item.body
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return "true" if value else "false"
        return default if value is None else str(value)

    return get


NAME_FIELDS: Mapping[str, FieldGetter] = {
    "metadata.name": lambda item: item.key.name,
    "metadata.namespace": lambda item: item.key.namespace,
}


def _unknown_field(name: str) -> ApiError:
    return bad_request(
        f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )


def unsupported_label(name: str) -> ApiError:
    """Make the refusal of resources that have selectable fields of their own."""
    return bad_request(f"field label not supported: {name}")


def without_empty(body: Json) -> Json:
    """Return the body without empty metadata: the API's types leave those out."""
    metadata = body["metadata"]
    if all(metadata.get(name, True) for name in _OMITTED_METADATA):
        return body
    kept = {k: v for k, v in metadata.items() if v or k not in _OMITTED_METADATA}
    return {**body, "metadata": kept}


def _as_it_is(_store: Store, body: Json) -> Json:
    return body


@dataclass(frozen=True)
class Kind:
    """The rules for one resource.

    ``begin`` completes a new object; ``tidy`` drops what the API's types would leave out;
    ``fields`` are those of a field selector; ``empty`` is what a bookmark carries beside its
    metadata.
    """

    begin: Callable[[Store, Json], Json] = _as_it_is
    tidy: Callable[[Json], Json] = without_empty
    fields: Mapping[str, FieldGetter] = field(default_factory=lambda: NAME_FIELDS)
    unknown_field: Callable[[str], ApiError] = _unknown_field
    counts_generation: bool = False
    empty: Json = field(default_factory=dict)
