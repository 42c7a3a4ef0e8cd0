"""Socket Mode: the app's own connections, over which deliveries reach it.

Up to ten connections an app; each delivery goes to one of them, in turn. A connection's address is
good for one use. https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import json
import secrets
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.slack.state import State
from sandbox.slack.workspace import App

__all__ = ["MOST_CONNECTIONS", "NotConnectedError", "SocketMode"]

MOST_CONNECTIONS = 10


class NotConnectedError(Exception):
    """The app has no connection, or lost the one that it got the delivery on."""


@dataclass(eq=False)
class _Connection:
    socket: WebSocket
    received: int = 0
    acknowledged: int = 0
    refreshing: bool = False
    waiting: dict[str, "asyncio.Future[Any]"] = field(default_factory=dict)


class SocketMode:
    """All connections of all apps."""

    def __init__(self, state: State, base_url: str) -> None:
        self._state = state
        self._base_url = base_url
        self._tickets: dict[str, str] = {}
        self._connections: dict[str, list[_Connection]] = defaultdict(list)

    def open(self, app: App) -> str:
        """Return an address for one connection: the answer of `apps.connections.open`."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = app.id
        return f"{self._base_url}/link/?ticket={ticket}&app_id={app.id}"

    def connections(self, app_id: str) -> list[dict[str, int]]:
        """Return for each connection in use how much it got, acknowledged, and has to."""
        return [
            {
                "received": connection.received,
                "acknowledged": connection.acknowledged,
                "waiting": len(connection.waiting),
            }
            for connection in self._in_use(app_id)
        ]

    async def endpoint(self, socket: WebSocket) -> None:
        """Serve one connection until it ends."""
        app_id = self._tickets.pop(socket.query_params.get("ticket", ""), None)
        if app_id is None:
            await socket.close()  # before `accept`, which makes it a 403
            return
        await socket.accept()
        mine = self._connections[app_id]
        refusal = self._refusal(app_id)
        if refusal is not None:
            await _say(socket, _disconnect(refusal))
            await socket.close()
            return
        connection = _Connection(socket)
        mine.append(connection)
        try:
            await _say(socket, self._hello(app_id))
            while True:
                self._acknowledge(mine, await socket.receive_text())
        except WebSocketDisconnect:
            pass  # the app went
        finally:
            self._ended(mine, connection)

    def _ended(self, mine: list[_Connection], connection: _Connection) -> None:
        mine.remove(connection)
        others = [each for each in mine if not each.refreshing]
        for envelope_id, waiting in connection.waiting.items():
            # A client that was asked to reconnect acknowledges on its new connection.
            if connection.refreshing and others:
                others[-1].waiting[envelope_id] = waiting
            elif not waiting.done():
                waiting.set_exception(NotConnectedError("the connection was lost"))

    async def send(self, app_id: str, kind: str, payload: dict[str, Any], retry: int) -> Any:
        """Send a payload over the next connection and return what acknowledged it.

        Raises :class:`NotConnectedError`; how long to wait is the caller's decision.
        """
        mine = self._connections[app_id]
        in_use = self._in_use(app_id)
        if not in_use:
            raise NotConnectedError("the app has no Socket Mode connection")
        connection = in_use[0]
        mine.remove(connection)
        mine.append(connection)
        envelope_id = str(uuid.uuid4())
        envelope: dict[str, Any] = {
            "envelope_id": envelope_id,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
            "payload": payload,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        waiting = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = waiting
        connection.received += 1
        try:
            await _say(connection.socket, envelope)
            return await waiting
        except WebSocketDisconnect as error:
            raise NotConnectedError("the connection was lost") from error
        finally:
            for each in [connection, *mine]:
                each.waiting.pop(envelope_id, None)

    async def refresh(self, app_id: str, *, drop: bool) -> int:
        """Ask every connection to reconnect, or drop it without a word; return how many.

        One that was asked gets nothing new; while it owes an acknowledgement it stays open.
        """
        connections = self._in_use(app_id)
        for connection in connections:
            if drop:
                await connection.socket.close(code=1011)
            else:
                connection.refreshing = True
                await _say(connection.socket, _disconnect("refresh_requested"))
                if not connection.waiting:
                    await connection.socket.close()
        return len(connections)

    def _in_use(self, app_id: str) -> list[_Connection]:
        return [each for each in self._connections[app_id] if not each.refreshing]

    def _refusal(self, app_id: str) -> str | None:
        if not self._state.apps[app_id].socket_mode:
            return "link_disabled"
        if len(self._in_use(app_id)) >= MOST_CONNECTIONS:
            return "too_many_websockets"
        return None

    def _hello(self, app_id: str) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._in_use(app_id)),
            "connection_info": {"app_id": app_id},
            "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
        }

    def _acknowledge(self, mine: list[_Connection], raw: str) -> None:
        try:
            answer = json.loads(raw)
            envelope_id = answer["envelope_id"]
        except (ValueError, TypeError, KeyError):
            return  # Slack takes no notice of what isn't an acknowledgement
        for connection in mine:
            waiting = connection.waiting.get(envelope_id)
            if waiting is not None and not waiting.done():
                connection.acknowledged += 1
                waiting.set_result(answer.get("payload"))


def _disconnect(reason: str) -> dict[str, Any]:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}


async def _say(socket: WebSocket, message: dict[str, Any]) -> None:
    await socket.send_text(json.dumps(message))
