"""Runs the stand-in: in a thread for tests, or in the foreground as a process."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from sandbox.slack.client import Slack
from sandbox.slack.clock import Clock
from sandbox.slack.deliveries import ACK_LIMIT_S
from sandbox.slack.house_rules import SWITCH
from sandbox.slack.protocol import CuttableProtocol
from sandbox.slack.server import Server
from sandbox.slack.workspace import Workspace

__all__ = ["listen", "running", "serve"]

_START_LIMIT_S = 10.0
_TICK_S = 0.005
_SHOWN = 20


def listen(port: int = 0) -> socket.socket:
    """Return a loopback socket that listens on the port, or on a free one."""
    return socket.create_server(("127.0.0.1", port), backlog=256)


def serve(listener: socket.socket, server: Server) -> uvicorn.Server:
    """Return a uvicorn server for the stand-in; its `run` takes the listener."""
    config = uvicorn.Config(
        server.application,
        http=CuttableProtocol,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
        port=listener.getsockname()[1],
    )
    return uvicorn.Server(config)


@contextmanager
def running(
    workspace: Workspace,
    *,
    clock: Clock | None = None,
    rate_limits: bool = True,
    ack_limit_s: float = ACK_LIMIT_S,
    port: int = 0,
) -> Iterator[Slack]:
    """Run a stand-in in a thread for as long as the context lasts.

    ``ack_limit_s`` is how long an app has to acknowledge: Slack's three seconds, unless a test of
    what comes after doesn't want to wait for them. Raises AssertionError at the end where a message
    or a view broke the house rules and ``SANDBOX_SLACK_HOUSE_RULES`` is set.
    """
    listener = listen(port)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Server(
        workspace,
        clock=clock or Clock(),
        base_url=base_url,
        rate_limits=rate_limits,
        ack_limit_s=ack_limit_s,
    )
    web = serve(listener, server)
    thread = threading.Thread(target=web.run, args=([listener],), name="sandbox Slack", daemon=True)
    thread.start()
    try:
        _wait(web, thread)
        yield Slack(base_url)
        _keep_house_rules(server)
    finally:
        web.should_exit = True
        thread.join()
        server.close()
        listener.close()


def _keep_house_rules(server: Server) -> None:
    if os.environ.get(SWITCH) and server.breaches:
        raise AssertionError("\n".join(("house rules:", *server.breaches[:_SHOWN])))


def _wait(web: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + _START_LIMIT_S
    while not web.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise RuntimeError("the sandbox's Slack did not start")
        time.sleep(_TICK_S)
