"""Where every request comes in: faults by script, the log, and refusals as answers."""

import asyncio
from contextlib import suppress

from sandbox.cluster import control
from sandbox.cluster.access import User
from sandbox.cluster.cluster import SimulatedCluster
from sandbox.cluster.errors import ApiError
from sandbox.cluster.faults import Fault
from sandbox.cluster.journal import Entry
from sandbox.cluster.objects import Json, encode
from sandbox.cluster.paths import Target, target_of
from sandbox.cluster.resources import resource
from sandbox.cluster.web import Cut, Reply, Request, Stream, failure

__all__ = ["Front"]

_CHANGES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ERRORS = 400
_REVIEWS = resource("selfsubjectaccessreviews")  # made, but nothing is kept


class Front:
    """Answers all requests to a cluster."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self._cluster = cluster

    async def answer(self, request: Request) -> Reply | Stream | Cut:
        """Answer one request. Never raises: what goes wrong in here is noted and answered 500."""
        try:
            if request.path.startswith(control.PREFIX):
                return control.answer(self._cluster, request)
            return await self._answer(request)
        except ApiError as error:
            return failure(error)
        except Exception as error:  # noqa: BLE001  a broken stand-in must say so, whatever broke
            self._cluster.note_failure(error)
            return failure(ApiError(500, "InternalError", f"Internal error occurred: {error!r}"))

    async def _answer(self, request: Request) -> Reply | Stream | Cut:
        fault = self._cluster.faults.take(request.method, request.target)
        target = self._target(request)
        entry = None
        if target and target.verb in _CHANGES and target.resource is not _REVIEWS:
            entry = self._entry(request, target)
        if target:
            self._cluster.journal.count(target.verb, target.words)
        reply: Reply | Stream | Cut | None = None
        if fault and fault.when == "before":
            reply = await _strike(fault)
        carried_out = False
        if reply is None:
            reply = await self._carry_out(request, target)
            carried_out = not (isinstance(reply, Reply) and reply.status >= _ERRORS)
        if fault and fault.when == "after":
            reply = await _strike(fault) or reply
        if entry:
            self._note(entry, reply, carried_out=carried_out)
        return reply

    @staticmethod
    def _target(request: Request) -> Target | None:
        with suppress(ApiError):  # it is answered in its place, when the request is carried out
            return target_of(request)
        return None

    async def _carry_out(self, request: Request, target: Target | None) -> Reply | Stream:
        api = self._cluster.api
        try:
            if target is None:
                return api.open(request) or failure_of(request)
            user = self._cluster.access.user(request.headers)
            return await api.answer(request, target, user)
        except ApiError as error:
            return failure(error)

    def _entry(self, request: Request, target: Target) -> Entry:
        """Draft the log's line, while the object is still what it was."""
        store = self._cluster.store
        item = store[target.resource].get(target.namespace, target.name)
        body = _body(request)
        options = body.get("deleteOptions") or body
        node = item.spec.get("nodeName") if item else None
        if target.resource.plural == "nodes":
            node = target.name
        dry_run = request.query.get("dryRun") == "All" or bool(options.get("dryRun"))
        return Entry.model_construct(
            time=store.clock(),
            user=self._user(request),
            method=request.method,
            path=request.path,
            verb=target.verb,
            resource=target.words,
            namespace=target.namespace,
            name=target.name,
            uid_precondition=(options.get("preconditions") or {}).get("uid"),
            dry_run=dry_run,
            status=None,
            reason="",
            carried_out=False,
            object_uid=item.uid if item else None,
            node=node,
            body=body if target.verb == "patch" else None,
        )

    def _user(self, request: Request) -> str:
        try:
            user: User = self._cluster.access.user(request.headers)
        except ApiError:
            return ""
        return user.name

    def _note(self, entry: Entry, reply: Reply | Stream | Cut, *, carried_out: bool) -> None:
        status = reply.status if isinstance(reply, Reply) else None
        reason = ""
        if isinstance(reply, Reply) and reply.status >= _ERRORS:
            with suppress(ApiError):
                parsed = Request("", "", "", {}, {}, reply.body).json()
                reason = parsed.get("reason", "") if isinstance(parsed, dict) else ""
        self._cluster.journal.note(
            entry.model_copy(
                update={"status": status, "reason": reason, "carried_out": carried_out}
            )
        )


def failure_of(request: Request) -> Reply:
    """Answer a request that names nothing: why it does not."""
    try:
        target_of(request)
    except ApiError as error:
        return failure(error)
    raise AssertionError(f"{request.target} names something after all")


def _body(request: Request) -> Json:
    with suppress(ApiError):
        body = request.json()
        if isinstance(body, dict):
            return body
    return {}


async def _strike(fault: Fault) -> Reply | Cut | None:
    """Let a fault happen: the answer in place of the true one, or None if it only took time."""
    if fault.kind == "stall":
        await asyncio.sleep(fault.seconds)
        return None
    if fault.kind == "cut":
        return Cut()
    if isinstance(fault.body, str):
        return Reply(fault.status, fault.body.encode(), fault.headers, "text/plain")
    return Reply(fault.status, encode(fault.body or {}), fault.headers)
