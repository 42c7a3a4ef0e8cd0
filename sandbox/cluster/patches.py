"""The three kinds of patch: JSON merge patch, strategic merge patch, JSON patch. Pure functions.

A strategic merge patch merges lists whose entries have a merge key, as the Go types declare it
(k8s.io/api, `patchMergeKey`); rules and order are those of
k8s.io/apimachinery/pkg/util/strategicpatch. A list without a merge key is replaced.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.cluster.errors import ApiError, bad_request, unsupported_media_type
from sandbox.cluster.objects import Json

__all__ = ["apply_patch", "json_patch", "merge_patch", "strategic_merge_patch"]

_MERGE_KEYS: Mapping[str, str] = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "taints": "key",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_MERGED_SETS = frozenset({"finalizers"})
_ORDER = "$setElementOrder/"
_DELETE_FROM = "$deleteFromPrimitiveList/"


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386): null takes away, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge_patch(target: Any, patch: Any) -> Any:
    """Apply a strategic merge patch. Raises ApiError 400 for a directive that is not understood."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive not in (None, "merge"):
        raise bad_request(f"unknown patch type: {directive}")
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            field = key.removeprefix(_DELETE_FROM)
            result[field] = [one for one in result.get(field, ()) if one not in value]
        elif key.startswith("$"):
            continue  # orders are looked at with their list; `$retainKeys` changes no type of ours
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key) or [], value, patch.get(_ORDER + key))
        else:
            result[key] = strategic_merge_patch(result.get(key), value)
    return result


def _merge_list(field: str, live: list[Any], patch: list[Any], order: list[Any] | None) -> Any:
    if field in _MERGED_SETS:
        return live + [one for one in patch if one not in live]
    merge_key = _MERGE_KEYS.get(field)
    if merge_key is None:
        return patch
    if any(one.get("$patch") == "replace" for one in patch):
        return [one for one in patch if "$patch" not in one]
    merged: dict[Any, Json] = {}
    present = {one.get(merge_key): one for one in live}
    gone = set()
    for one in patch:
        if merge_key not in one:
            raise bad_request(f"map: {one} does not contain declared merge key: {merge_key}")
        name = one[merge_key]
        if one.get("$patch") == "delete":
            gone.add(name)
        else:
            merged[name] = strategic_merge_patch(present.get(name), one)
    ours = [one for name, one in merged.items() if name not in gone]
    theirs = [one for one in live if one.get(merge_key) not in merged.keys() | gone]
    if order is not None:
        places = {entry[merge_key]: place for place, entry in enumerate(order)}
        ours.sort(key=lambda one: places.get(one[merge_key], len(places)))
    return _interleave(theirs, ours, [one.get(merge_key) for one in live], merge_key)


def _interleave(left: list[Json], right: list[Json], live: list[Any], key: str) -> list[Json]:
    """Put what only the server had among what was patched, by the order they had before.

    As `mergeSortedSlice` does: of two whose order is not known, the patched one comes first.
    """
    merged: list[Json] = []
    left, right = list(left), list(right)
    while left and right:
        ours, theirs = left[0][key], right[0][key]
        before = ours in live and theirs in live and live.index(ours) < live.index(theirs)
        merged.append((left if before else right).pop(0))
    return merged + left + right


def _pointer(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise bad_request(f"invalid JSON pointer: {path!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _unprocessable(operation: Json, why: str) -> ApiError:
    return ApiError(
        422,
        "Invalid",
        f"the server rejected our request due to an error in our request: "
        f"{operation.get('op')} operation does not apply: {operation.get('path')}: {why}",
    )


def json_patch(target: Any, operations: list[Json]) -> Any:
    """Apply a JSON patch (RFC 6902): add, replace, remove, test. Raises ApiError 400 or 422."""
    result = json.loads(json.dumps(target))
    for operation in operations:
        path = _pointer(operation["path"])
        try:
            result = _apply_operation(result, path, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise _unprocessable(operation, f"missing value ({error})") from error
    return result


def _apply_operation(document: Any, path: list[str], operation: Json) -> Any:
    kind = operation.get("op")
    if kind not in ("add", "replace", "remove", "test"):
        raise bad_request(f"Unexpected kind: {kind}")
    if not path:
        return operation["value"]
    parent = document
    for part in path[:-1]:
        parent = parent[int(part)] if isinstance(parent, list) else parent[part]
    last: Any = path[-1]
    if isinstance(parent, list):
        last = len(parent) if last == "-" else int(last)
    if kind == "test":
        if parent[last] != operation["value"]:
            raise _unprocessable(operation, "testing value failed")
    elif kind == "remove":
        del parent[last]
    elif kind == "add" and isinstance(parent, list):
        parent.insert(last, operation["value"])
    else:
        if kind == "replace":
            parent[last]  # refuses to replace what is not there
        parent[last] = operation["value"]
    return document


_KINDS: Mapping[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge_patch,
}


def apply_patch(content_type: str, target: Json, patch: Any) -> Json:
    """Return the body with the patch of that content type. Raises ApiError 400, 415 or 422."""
    kind = _KINDS.get(content_type.partition(";")[0].strip())
    if kind is None:
        raise unsupported_media_type(content_type, tuple(_KINDS))
    wanted = list if kind is json_patch else dict
    if not isinstance(patch, wanted):
        raise bad_request("error decoding patch: it is not a JSON value of the expected kind")
    result: Json = kind(target, patch)
    return result
