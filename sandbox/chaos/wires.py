"""Wires: TCP proxies between the processes and what they speak to, which can be harmed.

A wire passes bytes on. It can be cut, silent (held back, not cut), late, and it can lose replies:
then the next request that changes something is passed on, its answer is dropped, and the
connection breaks off. Whoever asked can't know whether it was done.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Wire", "Wires", "wiring"]

_CHUNK = 65536
# How a request begins, or what is in it, that changes something: HTTP's methods, Redis' scripts
# and the move by which RQ takes a job.
_CHANGES = (b"POST ", b"PATCH ", b"DELETE ", b"PUT ")
_COMMANDS = (b"EVALSHA", b"LMOVE", b"HSET", b"ZADD")
_START_LIMIT = 10.0
_BACKLOG = 256


@dataclass(eq=False)
class _Connection:
    """One connection through a wire; `doomed`: the next answer is lost, and it breaks off."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    share: float
    doomed: bool = False

    def abort(self) -> None:
        for writer in self.writers:
            with suppress(OSError):  # it is closed already
                linger = struct.pack("ii", 1, 0)  # a reset, not an orderly end
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            writer.transport.abort()


@dataclass(eq=False)
class Wire:
    """One wire. All of it happens on the loop of its :class:`Wires`; see there."""

    name: str
    upstream: tuple[int, ...]
    chance: random.Random
    port: int = 0
    delay: float = 0.0
    losing: int = 0
    cut: bool = False
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    connections: set[_Connection] = field(default_factory=set)
    turn: int = 0
    lost: int = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a free loopback port."""
        self.passing.set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=_BACKLOG)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond = None if self.cut else await self._reach()
        if beyond is None:
            writer.transport.abort()
            return
        connection = _Connection((writer, beyond[1]), self.chance.random())
        self.connections.add(connection)
        try:
            await asyncio.gather(
                self._pass(reader, beyond[1], connection, upwards=True),
                self._pass(beyond[0], writer, connection, upwards=False),
            )
        except (OSError, asyncio.IncompleteReadError):
            pass  # one side is gone: so is the other
        finally:
            self.connections.discard(connection)
            connection.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to whichever is next in turn and there."""
        for _ in self.upstream:
            self.turn += 1
            with suppress(OSError):
                port = self.upstream[self.turn % len(self.upstream)]
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: _Connection,
        *,
        upwards: bool,
    ) -> None:
        while data := await reader.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay * connection.share)
            await self.passing.wait()
            if upwards and self.losing and _changes(data):
                self.losing -= 1
                connection.doomed = True
            elif not upwards and connection.doomed:
                self.lost += 1
                connection.abort()
                return
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def _changes(data: bytes) -> bool:
    return data.startswith(_CHANGES) or any(command in data for command in _COMMANDS)


class Wires:
    """All wires, on one loop in a thread of its own. Its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self._loop = loop
        self._seed = seed
        self._wires: dict[str, Wire] = {}
        self._servers: list[asyncio.Server] = []

    def lay(self, name: str, upstream: Sequence[int]) -> int:
        """Lay a wire to these ports (in turn); returns the port to connect to."""
        wire = Wire(name, tuple(upstream), random.Random(f"{self._seed}:{name}"))

        async def serve() -> int:
            self._servers.append(await wire.serve())
            self._wires[name] = wire
            return wire.port

        return int(self._call(serve))

    def cut(self, name: str, *, again: bool = False) -> None:
        """Break all its connections off; with `again`, and let none come up until healed."""
        wire = self._wires[name]

        def work() -> None:
            wire.cut = again
            for connection in tuple(wire.connections):
                connection.abort()

        self._do(work)

    def slow(self, name: str, delay: float) -> None:
        """Let everything be late by up to `delay` seconds."""
        wire = self._wires[name]
        self._do(lambda: setattr(wire, "delay", delay))

    def silence(self, name: str) -> None:
        """Hold everything back."""
        self._do(self._wires[name].passing.clear)

    def lose(self, name: str, times: int) -> None:
        """Lose the next replies."""
        wire = self._wires[name]
        self._do(lambda: setattr(wire, "losing", times))

    def heal(self, name: str) -> None:
        """Let a wire pass everything on again, but for replies that are still to be lost."""
        wire = self._wires[name]

        def work() -> None:
            wire.cut, wire.delay = False, 0.0
            wire.passing.set()

        self._do(work)

    def heal_all(self) -> None:
        """Let all wires be well."""
        for name, wire in self._wires.items():
            self.heal(name)
            self._do(lambda wire=wire: setattr(wire, "losing", 0))  # type: ignore[misc]

    @property
    def lost(self) -> int:
        """How many replies were lost."""
        return sum(wire.lost for wire in self._wires.values())

    def take_down(self) -> None:
        """Break everything off and listen no more."""

        async def work() -> None:
            for server in self._servers:
                server.close()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await asyncio.sleep(0)  # aborted transports close their sockets in the next turn

        self._call(work)

    def _do(self, work: Callable[[], Any]) -> None:
        async def run() -> None:
            work()

        self._call(run)

    def _call(self, work: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_START_LIMIT)


@contextmanager
def wiring(seed: int) -> Iterator[Wires]:
    """Yield wires that are taken down at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="wires", daemon=True)
    thread.start()
    wires = Wires(loop, seed)
    try:
        yield wires
    finally:
        wires.take_down()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_LIMIT)
        loop.close()
