"""A Bolt app behind an address, for what delivers to it by HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from slack_bolt import App as BoltApp
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_sdk import WebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.slack.running import listen
from tests.sandbox.slack.making import eventually


@dataclass(frozen=True)
class Host:
    app: BoltApp
    url: str


@contextmanager
def hosted(client: WebClient, signing_secret: str) -> Iterator[Host]:
    """Serve a Bolt app without listeners; tests add theirs to it."""
    app = BoltApp(signing_secret=signing_secret, client=client)
    handler = SlackRequestHandler(app)

    async def events(request: Request) -> Response:
        return await handler.handle(request)

    listener = listen()
    routes = [Route("/slack/events", events, methods=["POST"])]
    config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    eventually(lambda: server.started)
    yield Host(app, f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events")
    server.should_exit = True
    thread.join()
    listener.close()
    app.listener_runner.listener_executor.shutdown()
