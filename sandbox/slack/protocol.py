"""HTTP connections that can be cut in the middle of a call.

ASGI has no way to reset a connection, so the protocol class that uvicorn is given remembers each
connection's transport by the address of its peer.
"""

import asyncio
import socket
import struct

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["CuttableProtocol", "cut"]

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with a register of open connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection; asyncio types it as the base of all transports."""
        super().connection_made(transport)
        _transports[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _transports.pop(self.transport.get_extra_info("peername")[:2], None)
        super().connection_lost(exc)


async def cut(request: Request) -> None:
    """Reset the request's connection: the caller sees ECONNRESET and gets no answer."""
    if request.client is None:
        raise RuntimeError("the request came without a peer's address")
    transport = _transports[request.client.host, request.client.port]
    raw: socket.socket = transport.get_extra_info("socket")
    # A linger time of zero makes closing send RST instead of FIN.
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0.01)  # lets uvicorn see the loss before the handler answers into it
