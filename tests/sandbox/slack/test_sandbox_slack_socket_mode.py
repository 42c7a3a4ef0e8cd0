import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from slack_bolt import Ack
from slack_bolt import App as BoltApp
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sandbox.slack import Delivery, PersonError, Slack
from tests.sandbox.slack.making import actions, button, eventually


class Connected:
    """A Bolt app by Socket Mode, on as many connections as asked for."""

    def __init__(self, slack: Slack, client: WebClient) -> None:
        self.slack = slack
        self.app = BoltApp(client=client)
        self.handlers: list[SocketModeHandler] = []

    def connect(self, connections: int = 1) -> BoltApp:
        for _ in range(connections):
            handler = SocketModeHandler(self.app, self.slack.workspace().apps[0].app_token)
            handler.client.connect()
            self.handlers.append(handler)
        eventually(lambda: len(self.slack.connections()) == len(self.handlers))
        return self.app


@pytest.fixture
def connected(slack: Slack, client: WebClient) -> Iterator[Connected]:
    slack.configure(socket_mode=True)
    connected = Connected(slack, client)
    yield connected
    for handler in connected.handlers:
        handler.client.close()
    connected.app.listener_runner.listener_executor.shutdown()


def opened(slack: Slack) -> str:
    app_token = slack.workspace().apps[0].app_token
    answer = WebClient(base_url=slack.api_url).apps_connections_open(app_token=app_token)
    return str(answer["url"])


def test_commands_and_presses_come_over_the_socket(
    slack: Slack, client: WebClient, connected: Connected
) -> None:
    app = connected.connect()

    @app.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        ack(f"draining {body['text']}")

    @app.action("go")
    def go(ack: Ack) -> None:
        ack()

    command = slack.slash("ana", "ops", "/drain", "node-1")
    assert (command.transport, command.status) == ("socket", 200)
    assert slack.ephemerals("ana")[0]["text"] == "draining node-1"
    ts = client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button())])["ts"]
    assert slack.click("bo", "ops", ts, "go").acknowledged


def test_each_delivery_goes_to_one_connection_in_turn(slack: Slack, connected: Connected) -> None:
    app = connected.connect(connections=2)
    ran: list[str] = []

    @app.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        ran.append(body["text"])
        ack()

    for n in range(4):
        slack.slash("ana", "ops", "/drain", str(n))
    assert ran == ["0", "1", "2", "3"]
    shares = [(c["received"], c["acknowledged"], c["waiting"]) for c in slack.connections()]
    assert shares == [(2, 2, 0), (2, 2, 0)]


def test_an_app_reconnects_when_asked_to(slack: Slack, connected: Connected) -> None:
    app = connected.connect()

    @app.command("/drain")
    def drain(ack: Ack) -> None:
        ack()

    assert slack.refresh() == 1
    eventually(lambda: len(slack.calls("apps.connections.open")) == 2 and slack.connections())
    # Slack's own client takes a moment before it reads from its new connection.
    assert eventually(lambda: slack.slash("ana", "ops", "/drain").acknowledged)


def test_what_came_before_a_reconnect_may_be_acknowledged_after_it(slack: Slack) -> None:
    slack.configure(socket_mode=True)
    with person_with_command(slack) as outcome, connect(opened(slack)) as old:
        envelope = envelope_of(old)
        slack.refresh()
        assert "refresh_requested" in str(old.recv(timeout=60))
        with connect(opened(slack)) as new:
            new.recv(timeout=60)
            old.close()
            new.send(json.dumps({"envelope_id": envelope, "payload": {"text": "late"}}))
            assert eventually(lambda: outcome)[0].body == {"text": "late"}


def test_a_dropped_connection_fails_what_was_under_way(slack: Slack) -> None:
    slack.configure(socket_mode=True)
    with person_with_command(slack) as outcome, connect(opened(slack)) as socket:
        envelope_of(socket)
        assert slack.refresh(how="drop") == 1
        assert eventually(lambda: outcome)[0].failure == "dispatch_failed"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=60)


@contextmanager
def person_with_command(slack: Slack) -> Iterator[list[Delivery]]:
    """Somebody who sends a command as soon as the app is connected; what came of it."""
    outcome: list[Delivery] = []

    def send() -> None:
        eventually(slack.connections)
        outcome.append(slack.slash("ana", "ops", "/drain"))

    person = threading.Thread(target=send)
    person.start()
    yield outcome
    person.join()


def envelope_of(socket: ClientConnection) -> str:
    """The envelope id of the command that comes after the greeting."""
    assert json.loads(socket.recv(timeout=60))["type"] == "hello"
    return str(json.loads(socket.recv(timeout=60))["envelope_id"])


@pytest.mark.parametrize("ack_limit_s", [0.2])
def test_an_app_without_a_connection_or_without_an_acknowledgement_is_complained_about(
    slack: Slack,
) -> None:
    slack.configure(socket_mode=True)
    assert slack.slash("ana", "ops", "/drain").failure == "dispatch_failed"
    with connect(opened(slack)) as socket:
        socket.recv(timeout=60)
        socket.send("not json")
        socket.send('{"envelope_id": "unknown"}')
        delivery = slack.slash("ana", "ops", "/drain")
    assert (delivery.failure, delivery.status) == ("operation_timeout", None)


def test_a_connections_address_is_used_once_and_connections_are_ten(slack: Slack) -> None:
    slack.configure(socket_mode=True)
    url = opened(slack)
    with ExitStack() as sockets:
        sockets.enter_context(connect(url))
        with pytest.raises(InvalidStatus), connect(url):
            pass
        for _ in range(9):
            sockets.enter_context(connect(opened(slack)))
        eventually(lambda: len(slack.connections()) == 10)
        with connect(opened(slack)) as eleventh:
            assert "too_many_websockets" in str(eleventh.recv(timeout=60))


def test_socket_mode_has_to_be_on_and_needs_an_app_token(slack: Slack, client: WebClient) -> None:
    with connect(opened(slack)) as socket:
        assert "link_disabled" in str(socket.recv(timeout=60))
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.apps_connections_open(app_token=client.token or "")


def test_there_is_no_signature_to_forge(slack: Slack) -> None:
    slack.configure(socket_mode=True)
    with pytest.raises(PersonError, match="no signatures"):
        slack.slash("ana", "ops", "/drain", forgery="stale")


@pytest.mark.parametrize("ack_limit_s", [0.2])
def test_an_event_says_which_attempt_it_is(slack: Slack) -> None:
    slack.configure(socket_mode=True)
    with connect(opened(slack)) as socket:
        socket.recv(timeout=60)
        first = slack.event("drainbot", {"type": "app_mention"})
        slack.redeliver(first)
        assert '"retry_attempt": 0' in str(socket.recv(timeout=60))
        assert '"retry_attempt": 1' in str(socket.recv(timeout=60))
