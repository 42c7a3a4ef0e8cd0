"""Lists, whole or in pages. A page leads on through the same moment of the cluster."""

import base64
import binascii
import json
from collections import OrderedDict
from collections.abc import Sequence

from sandbox.cluster.errors import ApiError, bad_request, expired, too_large_version
from sandbox.cluster.objects import Item, Json, encode
from sandbox.cluster.resources import Resource
from sandbox.cluster.selecting import Selection
from sandbox.cluster.store import Store
from sandbox.cluster.web import Request

__all__ = ["Lister", "kind_prefix", "present_version"]

_SNAPSHOTS = 64
"""Lists that are kept for their next pages; like a compacted etcd, older ones say 410."""


def kind_prefix(resource: Resource, suffix: str = "") -> bytes:
    """Return the opening of an object's JSON, before its body's first field."""
    kind = {"kind": resource.kind + suffix, "apiVersion": resource.api_version}
    return encode(kind)[:-1] + b","


def present_version(store: Store, text: str) -> int | None:
    """Read a resourceVersion that a request names: None if none. Raises 400, or 504 if not yet."""
    if not text:
        return None
    try:
        version = int(text)
    except ValueError as error:
        raise bad_request(f"resourceVersion: Invalid value: {text!r}") from error
    if version > store.revision:
        raise too_large_version(version, store.revision)
    return version


class Lister:
    """Lists the objects of a store, and keeps what its pages need."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: OrderedDict[str, tuple[int, list[Item]]] = OrderedDict()

    def encoded(self, resource: Resource, chosen: Selection, request: Request) -> bytes:
        """Return the JSON of a list, or of one page of it. Raises ApiError 400, 410 or 504."""
        metadata, items = self.page(resource, chosen, request)
        return b"".join(
            (
                kind_prefix(resource, "List"),
                b'"metadata":',
                encode(metadata),
                b',"items":[',
                b",".join([item.encoded() for item in items]),
                b"]}",
            )
        )

    def page(
        self, resource: Resource, chosen: Selection, request: Request
    ) -> tuple[Json, Sequence[Item]]:
        """Return the metadata and the objects of a list, or of one page of it."""
        version = present_version(self._store, request.query.get("resourceVersion", ""))
        limit = request.number("limit") or 0
        token = request.query.get("continue", "")
        if token:
            if version:
                raise bad_request("specifying resource version is not allowed when using continue")
            revision, rest = self._take(token)
        else:
            revision, rest = self._store.revision, self._store[resource].select(chosen)
            if version == 0:
                limit = 0  # the watch cache answers, and knows no pages
        metadata: Json = {"resourceVersion": str(revision)}
        if not limit or limit >= len(rest):
            return metadata, rest
        page, left = rest[:limit], rest[limit:]
        metadata["continue"] = self._keep(revision, page[-1], left, chosen)
        if not chosen.narrowed:
            metadata["remainingItemCount"] = len(left)
        return metadata, page

    def _keep(self, revision: int, last: Item, left: list[Item], chosen: Selection) -> str:
        place = last.key.name if chosen.namespace or not last.key.namespace else "/".join(last.key)
        where = {"v": "meta.k8s.io/v1", "rv": revision, "start": f"/{place}\0"}
        plain = base64.urlsafe_b64encode(json.dumps(where, separators=(",", ":")).encode())
        token = plain.decode().rstrip("=")
        self._snapshots[token] = revision, left
        self._snapshots.move_to_end(token)
        while len(self._snapshots) > _SNAPSHOTS:
            self._snapshots.popitem(last=False)
        return token

    def _take(self, token: str) -> tuple[int, list[Item]]:
        found = self._snapshots.get(token)
        if found:
            return found
        try:
            json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (binascii.Error, ValueError) as error:
            raise ApiError(400, "BadRequest", f"continue key is not valid: {error}") from error
        raise expired(
            "The provided continue parameter is too old to display a consistent list result. "
            "You must start a new list without the continue parameter."
        )

    def forget(self) -> None:
        """Keep no list for another page: their tokens say 410 from now on."""
        self._snapshots.clear()
