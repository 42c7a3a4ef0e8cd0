"""Probes: `/healthz` says that the process is alive, `/readyz` that it can do its work; `/metrics`.

They have a listener of their own, apart from Slack's, since they are for the kubelet and not for
the world. Answers name what is wrong in words, and nothing else about the process.
"""

import json
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from bot.metrics import CONTENT_TYPE
from bot.settings import Address

__all__ = ["Check", "Page", "Probes", "judged"]

Check = Callable[[], str]
"""Returns what is wrong, or an empty string."""

Page = Callable[[], bytes]
"""Returns what Prometheus reads."""

_SLOW_CLIENT = 2.0  # seconds that a client may take to send its few bytes


def judged(checks: Mapping[str, Check]) -> dict[str, str]:
    """Run every check; one that raises is wrong, and says so by the error's type."""
    return {name: _judge(check) for name, check in checks.items()}


def _judge(check: Check) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  a probe reports whatever is wrong, it does not fail
        return f"could not be checked ({type(error).__name__})"


class Probes:
    """Answers probes over HTTP from a thread of its own, while entered.

    `checks` decide about readiness: by name, each returns what is wrong or an empty string. They
    are run for each request, so they are cheap and bounded in time. `page` is what /metrics
    answers; without it that is not there. Raises OSError where the
    address can't be listened on.
    """

    def __init__(
        self, address: Address, checks: Mapping[str, Check], page: Page | None = None
    ) -> None:
        self._server = ThreadingHTTPServer(address, _handler(checks, page))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},  # seconds; also the longest that stopping takes
            name="probes",
            daemon=True,
        )

    @property
    def address(self) -> Address:
        """Where it really listens, also where port 0 was asked for."""
        host, port = self._server.server_address[:2]
        return Address(str(host), int(port))

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and free the address."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(checks: Mapping[str, Check], page: Page | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SLOW_CLIENT
        server_version = "drainbot"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                self._answer(HTTPStatus.OK, {"status": "alive"})
            elif path == "/readyz":
                results = judged(checks)
                ready = not any(results.values())
                status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
                words = {name: wrong or "ok" for name, wrong in results.items()}
                self._answer(status, {"status": "ready" if ready else "not ready", **words})
            elif path == "/metrics" and page is not None:
                self._send(HTTPStatus.OK, page(), CONTENT_TYPE)
            else:
                there = "/healthz, /readyz and /metrics" if page else "/healthz and /readyz"
                self._answer(HTTPStatus.NOT_FOUND, {"status": f"only {there} are here"})

        def _answer(self, status: HTTPStatus, content: dict[str, str]) -> None:
            self._send(status, json.dumps(content).encode(), "application/json")

        def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its given name
            """Log nothing: a probe every second would bury the rest."""

    return Handler
