"""Moments and addresses for the local Slack, by a relay between the bot and the page's Web API.

Its page shows `<!date^…>` as it is written. Slack shows such a token to each person in their own
zone; here everybody is at this machine, so its local time is put in. And it says that it is at an
address where it is not (`http://sandbox.slack.local/`), by which the bot makes links: the page's
own is put in. What does not go by the Web API (an acknowledgement, a response_url) is not seen.
"""

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["DATE", "dated", "moment"]

DATE = re.compile(r"<!date\^(\d+)\^([^|^<>]*)(?:\^[^|<>]*)?\|[^<>]*>")
"""A token for a moment: https://docs.slack.dev/messaging/formatting-message-text."""

_NOWHERE = re.compile(rb"http://[\w-]+\.slack\.local/")
_PATIENCE_S = 30.0
_PASSED_ON = ("Authorization", "Content-Type", "User-Agent")


def moment(token: re.Match[str]) -> str:
    """Return the local time that a match of :data:`DATE` stands for."""
    at = time.localtime(int(token[1]))
    said = time.strftime("%H:%M:%S" if "secs" in token[2] else "%H:%M", at)
    if "date" not in token[2]:
        return said
    today = at[:3] == time.localtime()[:3]
    return f"{'today' if today else time.strftime('%b %d, %Y', at)} at {said}"


@contextmanager
def dated(api_url: str) -> Iterator[str]:
    """Relay to a Web API for as long as the context lasts; yields the address to use instead."""
    page = api_url.removesuffix("api/").encode()

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            # In a form the token is quoted, and stays; blocks and texts travel as JSON.
            body = DATE.sub(moment, body.decode("utf-8")).encode()
            headers = {k: self.headers[k] for k in _PASSED_ON if k in self.headers}
            status, kind, answer = _ask(f"{api_url}{self.path[1:]}", body, headers)
            answer = _NOWHERE.sub(page, answer)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing: the page has an inspector for that."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="relay", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def _ask(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
    """Return status, content type and body of the answer; 502 where there is none."""
    request = urllib.request.Request(url, body, headers)  # noqa: S310  an address of our own
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310  as above
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()
    except OSError as error:
        return 502, "text/plain", str(error).encode()
