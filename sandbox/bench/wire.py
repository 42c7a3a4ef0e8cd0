"""As little HTTP as the simulated cluster needs: for clients that must cost next to nothing."""

import socket
from collections.abc import Iterator
from typing import IO

JSON = "application/json"
MERGE = "application/merge-patch+json"
CREATED, OK, TOO_MANY = 201, 200, 429
_LONG = 600.0  # seconds without a byte after which it gives up


class Connection:
    """One connection that stays open, for one thread."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_LONG)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file: IO[bytes] = self._socket.makefile("rb")

    def begin(self, method: str, path: str, body: bytes = b"", kind: str = JSON) -> tuple[int, int]:
        """Send a request and read the answer's head; returns its status and its body's length."""
        head = f"{method} {path} HTTP/1.1\r\nHost: floor\r\nContent-Type: {kind}\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status, length = int(self.file.readline().split()[1]), 0
        while (line := self.file.readline()) not in (b"\r\n", b""):
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return status, length

    def send(
        self, method: str, path: str, body: bytes = b"", kind: str = JSON
    ) -> tuple[int, bytes]:
        """Send a request and return the answer's status and body."""
        status, length = self.begin(method, path, body, kind)
        return status, self.file.read(length)

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = JSON) -> bytes:
        """Send a request and return the body of its success."""
        status, answer = self.send(method, path, body, kind)
        if status != OK:
            raise RuntimeError(f"{method} {path} was answered {status}: {answer[:200]!r}")
        return answer

    def shut(self) -> None:
        """Let another thread that reads from it find its end."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        self.file.close()
        self._socket.close()


def watch(connection: Connection, path: str, version: str) -> Iterator[bytes]:
    """Yield the lines of a watch, which takes the whole connection."""
    mark = "&" if "?" in path else "?"
    status, _ = connection.begin("GET", f"{path}{mark}watch=1&resourceVersion={version}")
    if status != OK:
        raise RuntimeError(f"the watch of {path} was answered {status}")
    while size := int(connection.file.readline() or b"0", 16):
        chunk = connection.file.read(size + 2)  # with the line end after it
        yield from chunk[:-2].splitlines()
