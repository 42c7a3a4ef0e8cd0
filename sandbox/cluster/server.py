"""HTTP/1.1 on a loopback port: h11 reads and frames, one task answers each request."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import h11

from sandbox.cluster.errors import ClusterFailedError
from sandbox.cluster.web import Cut, Reply, Request, Stream, request_of

__all__ = ["Answer", "Server", "listen"]

Answer = Callable[[Request], Awaitable[Reply | Stream | Cut]]

_log = logging.getLogger(__name__)
_MAX_BODY = 3 * 1024 * 1024  # as the real server's limit of a request


class _Connection(asyncio.Protocol):
    """One client's connection. Requests on it are answered one after the other."""

    def __init__(self, answer: Answer, open_ones: set["_Connection"]) -> None:
        self._answer = answer
        self._open_ones = open_ones
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"not a stream: {transport!r}")
        self._transport = transport
        self._open_ones.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio names it
        self._open_ones.discard(self)
        self._writable.set()
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            _log.debug("a request was not HTTP", exc_info=error)
            self._transport.close()

    def eof_received(self) -> bool:
        self._transport.close()
        return False

    def cut(self) -> None:
        """Break the connection off, without another byte."""
        self._transport.abort()

    def _read(self) -> None:
        while self._task is None:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._head = event
                self._body.clear()
                if self._http.they_are_waiting_for_100_continue:
                    self._send(h11.InformationalResponse(status_code=100, headers=[]))
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > _MAX_BODY:
                    self._transport.abort()
                    return
            elif isinstance(event, h11.EndOfMessage) and self._head:
                self._begin(self._head)
            elif isinstance(event, h11.ConnectionClosed):
                self._transport.close()
                return
            else:  # NEED_DATA, or PAUSED until the present answer is written
                return

    def _begin(self, head: h11.Request) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        request = request_of(
            head.method.decode(), head.target.decode("latin-1"), headers, bytes(self._body)
        )
        self._task = asyncio.get_running_loop().create_task(self._respond(request))

    async def _respond(self, request: Request) -> None:
        reply = await self._answer(request)
        if isinstance(reply, Cut):
            self.cut()
            return
        if isinstance(reply, Reply):
            self._send(
                h11.Response(
                    status_code=reply.status,
                    headers=[
                        ("Content-Type", reply.content_type),
                        ("Content-Length", str(len(reply.body))),
                        *reply.headers.items(),
                    ],
                ),
                h11.Data(data=reply.body),
                h11.EndOfMessage(),
            )
        else:
            await self._stream(reply)
        self._task = None
        if self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()
        elif not self._transport.is_closing():
            self._http.start_next_cycle()
            self._read()

    async def _stream(self, stream: Stream) -> None:
        headers = [("Content-Type", stream.content_type), ("Transfer-Encoding", "chunked")]
        self._send(h11.Response(status_code=200, headers=headers))
        async for chunk in stream.chunks:
            self._send(h11.Data(data=chunk))
            await self._writable.wait()
        self._send(h11.EndOfMessage())

    def _send(self, *events: h11.Event) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"".join(filter(None, map(self._http.send, events))))


class Server:
    """A listening server. It ends with :meth:`close`."""

    def __init__(self, server: asyncio.Server, connections: set[_Connection]) -> None:
        self._server = server
        self._connections = connections
        self.port: int = server.sockets[0].getsockname()[1]

    def cut_all(self) -> None:
        """Cut every open connection."""
        for connection in tuple(self._connections):
            connection.cut()

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        self._server.close()
        self.cut_all()
        await asyncio.sleep(0)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), timeout=1)


async def listen(answer: Answer, port: int = 0) -> Server:
    """Serve on a loopback port, 0 for any free one. Raises ClusterFailedError if it is taken."""
    connections: set[_Connection] = set()
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(answer, connections), "127.0.0.1", port, backlog=1024
        )
    except (OSError, OverflowError) as error:
        raise ClusterFailedError(
            f"The simulated cluster can't listen on 127.0.0.1:{port}: {error}. "
            "Take another port, or 0 for any free one."
        ) from error
    return Server(server, connections)
