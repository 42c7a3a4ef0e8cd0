"""A running stand-in, and a real Bolt app that it delivers to over HTTP."""

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from slack_bolt import App as BoltApp
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_sdk import WebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.slack import Clock, Slack, demo_workspace, running
from sandbox.slack.running import listen
from tests.sandbox.slack.making import OTHER, eventually, web_client


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=1_800_000_000.0)


@pytest.fixture
def slack(clock: Clock) -> Iterator[Slack]:
    workspace = demo_workspace()
    ops = workspace.channels[0]
    with_other = ops.model_copy(update={"members": ops.members | {OTHER.bot_user}})
    changed = workspace.model_copy(
        update={
            "apps": (*workspace.apps, OTHER),
            "channels": (with_other, *workspace.channels[1:]),
        }
    )
    with running(changed, clock=clock, rate_limits=False, ack_limit_s=1.0) as server:
        yield server


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return web_client(slack)


@pytest.fixture
def bolt(slack: Slack, client: WebClient) -> Iterator[BoltApp]:
    """A Bolt app at the stand-in's request URL; tests add their listeners to it."""
    secret = slack.workspace().apps[0].signing_secret
    app = BoltApp(signing_secret=secret, client=client)
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
    port = listener.getsockname()[1]
    slack.configure(request_url=f"http://127.0.0.1:{port}/slack/events")
    yield app
    server.should_exit = True
    thread.join()
    listener.close()
    app.listener_runner.listener_executor.shutdown()
