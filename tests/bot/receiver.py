"""A pager as a real HTTP server on loopback, which answers as a test says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came in, and how the next requests are answered: 204 where nothing is said.

    While `open` is not set, nobody is answered.
    """

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes, str]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def pages(self) -> list[dict[str, Any]]:
        """The bodies that came in, in turn."""
        return [json.loads(body) for _, body, _ in self.requests]

    def told(self) -> list[tuple[str, str]]:
        """Event and status of each page that came in."""
        return [(page["event"], page["status"]) for page in self.pages]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver on a free port."""
    state = Receiver()
    state.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append((dict(self.headers), body, self.path))
            state.open.wait(30)
            status, headers = state.answers.pop(0) if state.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST  # noqa: N815  the name that the server looks for

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
