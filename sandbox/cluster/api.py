"""The API itself: from a request to its answer."""

from sandbox.cluster import scale
from sandbox.cluster.access import Access, Attempt, User
from sandbox.cluster.discovery import OPEN_PATHS, discover
from sandbox.cluster.errors import ApiError, bad_request, success, unsupported_media_type
from sandbox.cluster.journal import Journal
from sandbox.cluster.kinds import kind_of
from sandbox.cluster.listing import Lister, kind_prefix
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.paths import Target
from sandbox.cluster.resources import Resource, resource, resources
from sandbox.cluster.rest import Rest
from sandbox.cluster.selecting import Selection, selection
from sandbox.cluster.store import Store
from sandbox.cluster.tables import table_of, wants_table
from sandbox.cluster.watching import Hub
from sandbox.cluster.web import Reply, Request, Stream, json_reply

__all__ = ["Api", "object_reply"]

_BOOKMARK_S = 60.0  # about as often as the real server
_REVIEWS = resource("selfsubjectaccessreviews")


def object_reply(resource: Resource, item: Item, status: int = 200) -> Reply:
    """Answer with one object."""
    return Reply(status, kind_prefix(resource) + item.encoded()[1:])


class Api:
    """Answers requests of the Kubernetes API from a store."""

    def __init__(self, store: Store, *, access: Access, bookmark_s: float = _BOOKMARK_S) -> None:
        self.store = store
        self.rest = Rest(store)
        self.access = access
        self.journal = Journal()
        self.lister = Lister(store)
        self._hubs = {one: Hub(store, one, bookmark_s=bookmark_s) for one in resources()}

    def watches(self) -> int:
        """Return how many watches are open."""
        return sum(map(len, self._hubs.values()))

    def end_watches(self) -> None:
        """End all watches, in order; their clients will watch on from where they were."""
        for hub in self._hubs.values():
            hub.end_all()

    def forget_history(self) -> None:
        """Let every watch and every further page from before be told to list again (410)."""
        self.store.forget_history()
        self.lister.forget()

    def open(self, request: Request) -> Reply | None:
        """Answer what concerns the server itself; None if the request names a resource."""
        if request.method == "GET" and request.path not in OPEN_PATHS:
            self.access.user(request.headers)
        return discover(request) if request.method == "GET" else None

    async def answer(self, request: Request, target: Target, user: User) -> Reply | Stream:
        """Carry out a request. Raises ApiError."""
        attempt = Attempt.model_construct(
            verb=target.verb,
            group=target.resource.group,
            resource=target.words,
            namespace=target.namespace,
            name=target.name,
        )
        if target.resource is not _REVIEWS:  # `system:basic-user`: anybody may ask about themselves
            self.access.check(user, attempt, target.resource)
        match target.verb:
            case "get":
                return self._get(request, target)
            case "list" | "watch":
                return self._many(request, target)
            case "create":
                return await self._create(request, target, user)
            case "update" | "patch":
                return self._change(request, target)
            case _:
                return self._delete(request, target)

    def _find(self, target: Target) -> Item:
        return self.rest.find(target.resource, target.namespace, target.name)

    def _get(self, request: Request, target: Target) -> Reply:
        item = self._find(target)
        if target.subresource == "scale":
            return json_reply(scale.scale_of(item))
        if target.subresource not in ("", "status"):
            raise _unserved(target)
        if wants_table(request):
            return json_reply(table_of(target.resource, [item], self.store, {}))
        return object_reply(target.resource, item)

    def _selection(self, request: Request, target: Target) -> Selection:
        kind = kind_of(target.resource)
        fields = request.query.get("fieldSelector", "")
        if target.name:  # the old way to watch one object
            fields = f"metadata.name={target.name}"
        return selection(
            target.namespace,
            request.query.get("labelSelector", ""),
            fields,
            kind.fields,
            kind.unknown_field,
        )

    def _many(self, request: Request, target: Target) -> Reply | Stream:
        chosen = self._selection(request, target)
        if target.verb == "watch":
            return Stream(self._hubs[target.resource].open(chosen, request))
        if wants_table(request):
            metadata, items = self.lister.page(target.resource, chosen, request)
            return json_reply(table_of(target.resource, items, self.store, metadata))
        return Reply(200, self.lister.encoded(target.resource, chosen, request))

    async def _create(self, request: Request, target: Target, user: User) -> Reply:
        body = _object(request)
        dry_run = _dry_run(request)
        if target.resource is _REVIEWS:
            return json_reply(self.access.review(user, body), 201)
        if target.subresource == "eviction":
            return await self._evict(target, body, dry_run=dry_run)
        if target.subresource:
            raise _unserved(target)
        item = self.rest.create(target.resource, target.namespace, body, dry_run=dry_run)
        return object_reply(target.resource, item, 201)

    async def _evict(self, target: Target, body: Json, *, dry_run: bool) -> Reply:
        name = (body.get("metadata") or {}).get("name")
        if name != target.name:
            raise bad_request("name in URL does not match name in Eviction object")
        options = body.get("deleteOptions") or {}
        dry_run = dry_run or bool(options.get("dryRun"))
        status = await self.rest.evict(target.namespace, target.name, options, dry_run=dry_run)
        return json_reply(status, 201)

    def _change(self, request: Request, target: Target) -> Reply:
        resource, item = target.resource, self._find(target)
        dry_run, subresource = _dry_run(request), target.subresource
        content_type = request.headers.get("content-type", "")
        if subresource == "scale":
            wanted = (
                scale.patched(item, content_type, request.json())
                if target.verb == "patch"
                else _object(request)
            )
            body = scale.with_replicas(resource, item, wanted)
            item = self.rest.update(resource, item, body, dry_run=dry_run)
            return json_reply(scale.scale_of(item))
        if subresource not in ("", "status"):
            raise _unserved(target)
        if target.verb == "patch":
            item = self.rest.patch(
                resource,
                item,
                content_type,
                request.json(),
                subresource=subresource,
                dry_run=dry_run,
            )
        else:
            body = _object(request)
            item = self.rest.update(resource, item, body, subresource=subresource, dry_run=dry_run)
        return object_reply(resource, item)

    def _delete(self, request: Request, target: Target) -> Reply:
        options = _object(request)
        grace = request.number("gracePeriodSeconds")
        if grace is not None:
            options = {**options, "gracePeriodSeconds": grace}
        dry_run = _dry_run(request) or bool(options.get("dryRun"))
        if target.verb == "deletecollection":
            for item in self.store[target.resource].select(self._selection(request, target)):
                self.rest.delete(target.resource, item, options, dry_run=dry_run)
            return json_reply(success())
        left = self.rest.delete(target.resource, self._find(target), options, dry_run=dry_run)
        if isinstance(left, Item):
            return object_reply(target.resource, left)
        return json_reply(left)


def _object(request: Request) -> Json:
    content_type = request.headers.get("content-type", "application/json")
    if request.body and not content_type.startswith("application/json"):
        raise unsupported_media_type(content_type, ("application/json",))
    body = request.json()
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise bad_request("the body is not a JSON object")
    return body


def _dry_run(request: Request) -> bool:
    return request.query.get("dryRun") == "All"


def _unserved(target: Target) -> ApiError:
    return ApiError(501, "NotImplemented", f"the simulated cluster does not serve {target.words}")
