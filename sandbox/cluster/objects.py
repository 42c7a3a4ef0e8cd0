"""What is stored: one version of one object, its JSON encoded at most once.

Bodies are plain dictionaries without `kind` and `apiVersion` (a list's items go without, too). A
body is never changed once it is in an :class:`Item`: a change makes a new body that shares what did
not change.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = [
    "Item",
    "Json",
    "Key",
    "condition",
    "controller_of",
    "encode",
    "is_ready",
    "set_condition",
    "with_metadata",
    "with_status",
]

Json = dict[str, Any]

_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def encode(value: Any) -> bytes:
    """Encode JSON without spaces."""
    return _encoder.encode(value).encode()


class Key(NamedTuple):
    """Where an object stands among those of its resource, in the order of lists."""

    namespace: str
    name: str


class Item:
    """One version of one object. Don't change its body."""

    __slots__ = ("_encoded", "_ready", "body", "ending", "key", "revision")

    def __init__(self, body: Json, revision: int) -> None:
        metadata = body["metadata"]
        self.body = body
        self.key = Key(metadata.get("namespace", ""), metadata["name"])
        self.revision = revision
        self.ending: bool = "deletionTimestamp" in metadata
        """Whether its deletion has begun."""
        self._encoded: bytes | None = None
        self._ready: bool | None = None

    @property
    def metadata(self) -> Json:
        """The object's metadata."""
        metadata: Json = self.body["metadata"]
        return metadata

    @property
    def spec(self) -> Json:
        """The object's spec, empty if it has none."""
        return self.body.get("spec") or {}

    @property
    def status(self) -> Json:
        """The object's status, empty if it has none."""
        return self.body.get("status") or {}

    @property
    def uid(self) -> str:
        """The object's uid."""
        uid: str = self.body["metadata"]["uid"]
        return uid

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        return self.body["metadata"].get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's annotations."""
        return self.body["metadata"].get("annotations") or {}

    @property
    def ready(self) -> bool:
        """Whether its condition Ready is True; worked out once, for crowds are counted often."""
        if self._ready is None:
            self._ready = is_ready(self.body)
        return self._ready

    def encoded(self) -> bytes:
        """Return the body as JSON."""
        if self._encoded is None:
            self._encoded = encode(self.body)
        return self._encoded


def with_metadata(body: Json, **changes: Any) -> Json:
    """Return the body with other metadata; None takes a field away."""
    metadata = {**body["metadata"], **changes}
    return {
        **body,
        "metadata": {key: value for key, value in metadata.items() if value is not None},
    }


def with_status(body: Json, **changes: Any) -> Json:
    """Return the body with another status; None takes a field away."""
    status = {**(body.get("status") or {}), **changes}
    return {**body, "status": {key: value for key, value in status.items() if value is not None}}


def condition(body: Json, kind: str) -> Json | None:
    """Return the condition of that type in the body's status, if it is there."""
    for entry in (body.get("status") or {}).get("conditions") or ():
        if entry.get("type") == kind:
            found: Json = entry
            return found
    return None


def set_condition(body: Json, wanted: Json) -> Json:
    """Return the body with that condition in place of the one of its type, or at the end."""
    conditions: list[Json] = list((body.get("status") or {}).get("conditions") or ())
    for place, entry in enumerate(conditions):
        if entry.get("type") == wanted["type"]:
            conditions[place] = wanted
            break
    else:
        conditions.append(wanted)
    return with_status(body, conditions=conditions)


def is_ready(body: Json) -> bool:
    """Whether its condition Ready is True: a pod's or a node's."""
    found = condition(body, "Ready")
    return found is not None and found.get("status") == "True"


def controller_of(body: Json) -> Json | None:
    """Return the owner reference of its controller, if it has one."""
    for reference in body["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: Json = reference
            return found
    return None
