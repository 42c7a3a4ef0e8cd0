"""drainbot over its HTTP API: the client that the command line works with, at another end."""

import json
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from bot.remote.histories import RemoteHistories, RemoteOrphans
from bot.remote.webhooks import RemoteWebhooks
from bot.remote.wire import Reply, Wire
from jobs.models import (
    Acted,
    Decided,
    DrainRequest,
    Freeze,
    Froze,
    Inventory,
    OperationView,
    Principal,
    QuestionView,
    Refused,
    Submitted,
)
from jobs.policy import Policy, parse_policy

__all__ = ["RemoteClient"]

_M = TypeVar("_M", bound=BaseModel)


class RemoteClient:
    """See :class:`jobs.client.PeopleClient`: the same promises, over HTTP.

    The principal of each call is whose token it is; whoever is given here is not sent. Raises
    :class:`ServerAway` while the API or its Redis is away, :class:`Unrecognized` for a token that
    the policy there does not know, and :class:`DrainbotError` for a wish that can't be.
    """

    def __init__(self, url: str, token: str) -> None:
        self.wire = Wire(url, token)
        self._clusters: tuple[str, ...] = ()

    def me(self) -> Principal:
        """Return whose token it is."""
        return self.wire.send("GET", "/me").found().read(Principal)

    def policy(self) -> Policy:
        """Return the policy as far as people may read it."""
        return parse_policy(json.dumps(_said(self.wire.send("GET", "/policy").found().body)))

    def clusters(self) -> tuple[str, ...]:
        """Return the clusters that the policy lists."""
        if not self._clusters:
            found = self.wire.send("GET", "/clusters").found().body["clusters"]
            self._clusters = tuple(each["cluster"] for each in found)
        return self._clusters

    # -- acts --------------------------------------------------------------------------------

    def submit(
        self, principal: Principal, request: DrainRequest, *, dedup: str
    ) -> Submitted | Refused:
        """Ask for a drain."""
        wish = request.model_dump(mode="json")
        wish["channel"] = request.channel or None
        return self._submitted(self.wire.send("POST", "/operations", wish, key=dedup))

    def uncordon(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        """Ask for a node back."""
        path = f"/nodes/{quote(node, safe='')}/uncordon"
        body = {"channel": channel or None}
        return self._submitted(self.wire.send("POST", path, body, key=dedup, cluster=cluster))

    def maintain(
        self,
        principal: Principal,
        cluster: str,
        node: str,
        *,
        expected: int = 0,
        reason: str = "",
        channel: str,
        dedup: str,
    ) -> Submitted | Refused:
        """Start the maintenance of a node."""
        path = f"/nodes/{quote(node, safe='')}/maintenance"
        body = {"expected": expected, "reason": reason, "channel": channel or None}
        return self._submitted(self.wire.send("POST", path, body, key=dedup, cluster=cluster))

    def return_node(
        self, principal: Principal, cluster: str, node: str, *, channel: str, dedup: str
    ) -> Submitted | Refused:
        """Return a node to service."""
        path = f"/nodes/{quote(node, safe='')}/return"
        body = {"channel": channel or None}
        return self._submitted(self.wire.send("POST", path, body, key=dedup, cluster=cluster))

    def decide(
        self,
        principal: Principal,
        question: str,
        choice: str,
        *,
        note: str = "",
        nonce: str,
    ) -> Decided:
        """Answer a question."""
        path = f"/questions/{quote(question, safe='')}"
        reply = self.wire.send("POST", path, {"choice": choice, "note": note}, key=nonce)
        return reply.decided()

    def abort(
        self, principal: Principal, operation: str, *, reason: str = "", nonce: str
    ) -> Acted | Refused:
        """Abort an operation."""
        return self._acted(operation, "abort", nonce, {"reason": reason})

    def pause(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        """Pause an operation."""
        return self._acted(operation, "pause", nonce)

    def resume(self, principal: Principal, operation: str, *, nonce: str) -> Acted | Refused:
        """Let a paused operation go on."""
        return self._acted(operation, "resume", nonce)

    def freeze(
        self, principal: Principal, cluster: str, reason: str, *, channel: str = "", nonce: str
    ) -> Froze | Refused:
        """Freeze a cluster."""
        return self._held(cluster, "freeze", reason, nonce)

    def thaw(
        self, principal: Principal, cluster: str, *, reason: str = "", channel: str = "", nonce: str
    ) -> Froze | Refused:
        """Thaw a cluster."""
        return self._held(cluster, "thaw", reason, nonce)

    # -- looks -------------------------------------------------------------------------------

    def frozen(self, cluster: str) -> Freeze | None:
        """Return the freeze that holds a cluster."""
        found = self._cluster(cluster)["frozen"]
        return None if found is None else Freeze.model_validate(found)

    def worker_seen(self, cluster: str) -> bool:
        """Whether a worker of that cluster is alive."""
        return bool(self._cluster(cluster)["worker_seen"])

    def now(self) -> int:
        """Return Redis' time in ms."""
        return int(self._cluster(self.clusters()[0])["now"])

    def operation(self, operation: str) -> OperationView | None:
        """Return one operation."""
        return self._one(f"/operations/{quote(operation, safe='')}", OperationView)

    def operations(
        self, cluster: str, *, live_only: bool = False, limit: int = 100
    ) -> tuple[OperationView, ...]:
        """Return the operations of a cluster."""
        state = "live" if live_only else "all"
        reply = self._found("/operations", cluster=cluster, state=state, limit=min(limit, 100))
        return tuple(Reply(200, each).read(OperationView) for each in reply.body["operations"])

    def question(self, question: str) -> QuestionView | None:
        """Return one question."""
        return self._one(f"/questions/{quote(question, safe='')}", QuestionView)

    def inventory(self, cluster: str) -> Inventory:
        """Return the nodes of a cluster."""
        return self._found("/nodes", cluster=cluster).read(Inventory)

    @property
    def histories(self) -> "RemoteHistories":
        """The history of nodes and operations."""
        return RemoteHistories(self.wire)

    @property
    def orphans(self) -> "RemoteOrphans":
        """Cordons that no operation stands behind."""
        return RemoteOrphans(self.wire)

    @property
    def hooks(self) -> "RemoteWebhooks":
        """The webhooks, as the token's person."""
        return RemoteWebhooks(self.wire)

    def _submitted(self, reply: Reply) -> Submitted | Refused:
        return reply.refused() if reply.failed else reply.read(Submitted)

    def _acted(self, id: str, verb: str, nonce: str, body: Any = None) -> Acted | Refused:
        path = f"/operations/{quote(id, safe='')}/{verb}"
        reply = self.wire.send("POST", path, body, key=nonce)
        return reply.refused() if reply.failed else reply.read(Acted)

    def _held(self, cluster: str, verb: str, reason: str, nonce: str) -> Froze | Refused:
        path = f"/clusters/{quote(cluster, safe='')}/{verb}"
        reply = self.wire.send("POST", path, {"reason": reason}, key=nonce)
        return reply.refused() if reply.failed else reply.read(Froze)

    def _one(self, path: str, kind: type[_M]) -> _M | None:
        reply = self.wire.send("GET", path)
        return None if reply.gone else reply.found().read(kind)

    def _found(self, path: str, **query: Any) -> Reply:
        return self.wire.send("GET", path, **query).found()

    def _cluster(self, cluster: str) -> Any:
        return self._found(f"/clusters/{quote(cluster, safe='')}").body


def _said(value: Any) -> Any:
    """Leave out what a policy's file would not say either: there, nothing is no value."""
    if isinstance(value, dict):
        return {name: _said(each) for name, each in value.items() if each is not None}
    return [_said(each) for each in value] if isinstance(value, list) else value
