"""Loads the HTTP API and times what comes back, in a process that does nothing else.

`python -m sandbox.bench.http_load` reads one JSON line, the fields of :class:`Load`, from standard
input, answers `ready` when all streams were told what there is, and at its end one line {requests:
[ms], events: [ms], failed: […]}. Operations are paused and resumed twice a second; an event's lag
is from the sending of that to its arrival at each who watches.
"""

import asyncio
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_LOOKS = ("/operations/{id}", "/nodes", "/questions", "/operations?state=live&limit=5", "/me")
_STEER = 0.5  # seconds between two acts
_CONNECTIONS = 10
_GOOD = range(200, 300)


@dataclass
class Load:
    """What is asked for, and the figures."""

    host: str
    port: int
    tokens: list[str]
    operations: list[str]
    streams: int
    rate: float
    seconds: float
    requests: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    sent: dict[tuple[str, bool], float] = field(default_factory=dict)
    told: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, number: int, over: asyncio.Event) -> None:
        """Read one event stream until it is over."""
        id, token = self._of(self.operations, number), self._of(self.tokens, number)
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        writer.write(self._request("GET", f"/operations/{id}/events", token))
        if b" 200 " not in await reader.readline():
            self.failed.append("a stream was refused")
            self.ready.set()
            return
        first, seen = True, False
        while not over.is_set():
            line = await reader.readline()
            if not line.startswith(b"data: "):
                continue
            paused = b'"paused_by":""' not in line
            if first:
                self.told += 1
                if self.told == self.streams:
                    self.ready.set()
            elif paused != seen and (sent := self.sent.get((id, paused))) is not None:
                self.events.append((time.perf_counter() - sent) * 1000)
            first, seen = False, paused
        writer.close()

    async def ask(self, lane: int, over: asyncio.Event) -> None:
        """Send this lane's share of the requests, each when it is due, on one connection."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        began, every = time.perf_counter(), _CONNECTIONS / self.rate
        for number in itertools.count():
            due = began + lane * every / _CONNECTIONS + number * every
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if over.is_set():
                break
            path = self._of(_LOOKS, lane + number).format(id=self._of(self.operations, number))
            # From when it was due: a server that makes its callers queue is not flattered.
            began_at = min(due, time.perf_counter())
            await self._exchange(reader, writer, "GET", path, self._of(self.tokens, lane), began_at)
        writer.close()

    async def steer(self, over: asyncio.Event) -> None:
        """Pause and resume the operations in turn."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        for number in itertools.count():
            await asyncio.sleep(_STEER)
            if over.is_set():
                break
            id = self._of(self.operations, number)
            pause = (number // len(self.operations)) % 2 == 0
            began = self.sent[(id, pause)] = time.perf_counter()
            path = f"/operations/{id}/{'pause' if pause else 'resume'}"
            await self._exchange(reader, writer, "POST", path, self.tokens[0], began)
        writer.close()

    async def _exchange(
        self, reader: Any, writer: Any, method: str, path: str, token: str, began: float
    ) -> None:
        writer.write(self._request(method, path, token))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(li.split(":")[1]) for li in head.split("\r\n") if "content-length" in li)
        body = await reader.readexactly(length)
        self.requests.append((time.perf_counter() - began) * 1000)
        if int(head.split(" ", 2)[1]) not in _GOOD:
            self.failed.append(f"{path}: {body[:200]!r}")

    def _request(self, method: str, path: str, token: str) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.host}",
            f"Authorization: Bearer {token}",
        ]
        lines += ["Content-Length: 0"] if method == "POST" else []
        return "\r\n".join([*lines, "", ""]).encode()

    @staticmethod
    def _of(values: Any, number: int) -> str:
        return str(values[number % len(values)])


async def run(load: Load) -> None:
    """Load it for as long as is asked."""
    over = asyncio.Event()
    watching = [asyncio.create_task(load.watch(n, over)) for n in range(load.streams)]
    await load.ready.wait()
    print("ready", flush=True)
    lanes = [asyncio.create_task(load.ask(n, over)) for n in range(_CONNECTIONS)]
    steering = asyncio.create_task(load.steer(over))
    await asyncio.sleep(load.seconds)
    over.set()
    await asyncio.gather(*lanes, steering)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)


def main() -> None:
    """Serve one load."""
    load = Load(**json.loads(sys.stdin.readline()))
    asyncio.run(run(load))
    found = {"requests": load.requests, "events": load.events, "failed": load.failed[:5]}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
