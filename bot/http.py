"""An HTTP server in a thread, that is up when its context is entered and stops at once."""

import threading
import time
from asyncio import Protocol
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from bot.settings import Address
from jobs.errors import ConfigError

__all__ = ["serving"]

_START_SECONDS = 10.0
_STOP_SECONDS = 1  # for requests under way; Slack's are answered within 3 s or not at all


@contextmanager
def serving(
    app: ASGIApp,
    address: Address,
    *,
    protocol: Callable[..., Protocol] | None = None,
    what: str = "http",
) -> Iterator[Address]:
    """Serve `app` while entered; gives the address in use, also where port 0 was asked for.

    `protocol` makes one for each connection; without it uvicorn's own. `what` names the thread.

    Raises :class:`ConfigError` where it can't listen there.
    """
    config = uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        http=protocol or "auto",  # type: ignore[arg-type]  # it calls whatever it is given
        proxy_headers=False,  # nothing here depends on who forwarded it
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    try:
        listener = config.bind_socket()
    except (OSError, SystemExit) as error:  # uvicorn leaves by sys.exit
        raise ConfigError(f"Can't listen on {address}: {error}") from error
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name=what, daemon=True
    )
    thread.start()
    try:
        _wait_until_up(server, thread)
        host, port = listener.getsockname()[:2]
        yield Address(str(host), int(port))
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS + 1)
        listener.close()


def _wait_until_up(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    if not server.started:
        raise ConfigError("The HTTP server did not start.")
