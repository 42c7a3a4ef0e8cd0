"""A running stand-in, and a real Bolt app that it delivers to over HTTP."""

from collections.abc import Iterator

import pytest
from slack_bolt import App as BoltApp
from slack_sdk import WebClient

from sandbox.slack import Clock, Slack, demo_workspace, running
from sandbox.slack.house_rules import SWITCH
from tests.sandbox.slack.bolt_host import hosted
from tests.sandbox.slack.making import OTHER, web_client


@pytest.fixture(autouse=True)
def slack_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests send shows what Slack takes, not what people should be given."""
    monkeypatch.delenv(SWITCH)


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=1_800_000_000.0)


@pytest.fixture
def ack_limit_s() -> float:
    """Longer than Slack's, so that no test fails on a busy machine; tests of it say their own."""
    return 20.0


@pytest.fixture
def slack(clock: Clock, ack_limit_s: float) -> Iterator[Slack]:
    workspace = demo_workspace()
    ops = workspace.channels[0]
    with_other = ops.model_copy(update={"members": ops.members | {OTHER.bot_user}})
    changed = workspace.model_copy(
        update={
            "apps": (*workspace.apps, OTHER),
            "channels": (with_other, *workspace.channels[1:]),
        }
    )
    with running(changed, clock=clock, rate_limits=False, ack_limit_s=ack_limit_s) as server:
        yield server


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return web_client(slack)


@pytest.fixture
def bolt(slack: Slack, client: WebClient) -> Iterator[BoltApp]:
    """A Bolt app at the stand-in's request URL; tests add their listeners to it."""
    secret = slack.workspace().apps[0].signing_secret
    with hosted(client, secret) as host:
        slack.configure(request_url=host.url)
        yield host.app
