"""Sends requests at once and times each, in a process that does nothing else.

`python -m sandbox.bench.volley` reads a JSON line `{address, requests: [{body, headers}]}` from
standard input for each volley, and answers a line with a list of [milliseconds, status, body].
"""

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

Result = tuple[float, int, str]


async def _one(host: str, port: int, raw: bytes, ready: asyncio.Barrier) -> Result:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with ready:  # all are connected before the first is sent
            pass
        began = time.perf_counter()
        writer.write(raw)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line.split(":")[1]) for line in head.split("\r\n") if _is_length(line)), 0
        )
        body = await reader.readexactly(length)
        took = (time.perf_counter() - began) * 1000
        return took, int(head.split(" ", 2)[1]), body.decode()
    finally:
        writer.close()


def _is_length(line: str) -> bool:
    return line.lower().startswith("content-length:")


async def volley(address: str, requests: list[dict[str, Any]]) -> list[Result]:
    """Send all requests at once, each on a connection of its own."""
    url = urlsplit(address)
    if url.hostname is None or url.port is None:
        raise ValueError(f"{address} names no host and port")
    ready = asyncio.Barrier(len(requests))
    sent = []
    for request in requests:
        body = request["body"].encode()
        lines = [f"POST {url.path} HTTP/1.1", f"Host: {url.netloc}"]
        lines += [f"{name}: {value}" for name, value in request["headers"].items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        raw = "\r\n".join(lines).encode() + body
        sent.append(_one(url.hostname, url.port, raw, ready))
    return await asyncio.gather(*sent)


def main() -> None:
    """Serve volleys until standard input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        results = asyncio.run(volley(asked["address"], asked["requests"]))
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
