import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from bot.asgi import slack_asgi
from bot.http import serving
from bot.settings import Address
from tests.bot.listeners.deliveries import click_payload, headers, slash_form
from tests.bot.listeners.listening import SECRET, FakeClient, World, world

Answer = tuple[int, str]


@contextmanager
def listening(bot: World) -> Iterator[Address]:
    with serving(slack_asgi(bot.app, SECRET), Address("127.0.0.1", 0)) as address:
        yield address


def post(
    address: Address, body: str | bytes, sent: dict[str, str], path: str = "/slack/events"
) -> Answer:
    connection = HTTPConnection(address.host, address.port, timeout=10)
    try:
        connection.request("POST", path, body, sent)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def slash(address: Address, text: str, **fields: str) -> Answer:
    body = urllib.parse.urlencode(slash_form(text, **fields))
    return post(address, body, headers(body))


def test_a_signed_command_is_answered() -> None:
    with world() as bot, listening(bot) as address:
        status, body = slash(address, "node-1")
        assert (status, "op 7F3K9Q" in body) == (200, True)


@pytest.mark.parametrize(
    "change",
    [
        {"x-slack-signature": "v0=00"},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=\u00e9"},
        {"x-slack-request-timestamp": "yesterday"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "1e9"},
        {"x-slack-request-timestamp": "9" * 400},
        {"x-slack-request-timestamp": "\u00b2"},
    ],
)
def test_what_is_not_signed_is_refused_and_never_an_error(change: dict[str, str]) -> None:
    body = urllib.parse.urlencode(slash_form("node-1"))
    with world() as bot, listening(bot) as address:
        assert post(address, body, {**headers(body), **change})[0] == 401
        assert post(address, body, {})[0] == 401
        assert bot.client.calls == []


@pytest.mark.parametrize("shift", [-301, 301])
def test_a_signature_is_good_for_five_minutes(shift: int) -> None:
    body = urllib.parse.urlencode(slash_form("node-1"))
    with world() as bot, listening(bot) as address:
        assert post(address, body, headers(body, at=time.time() + shift))[0] == 401
        assert post(address, body, headers(body, secret="another"))[0] == 401
        assert post(address, body + "&x=1", headers(body))[0] == 401


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    body = "x" * (1024 * 1024 + 1)
    with world() as bot, listening(bot) as address:
        assert post(address, body, headers(body))[0] == 413


@pytest.mark.parametrize(
    "body",
    ["payload={", "payload=[]", "payload=1", "", "%ff=%fe", "payload={}", '{"type": "x"}'],
)
def test_signed_nonsense_is_never_a_server_error(body: str) -> None:
    with world() as bot, listening(bot) as address:
        assert post(address, body, headers(body))[0] in {400, 404}
        sent = {**headers(body), "content-type": "application/json"}
        assert post(address, body, sent)[0] in {400, 404}


def test_a_body_that_is_no_text_is_refused() -> None:
    with world() as bot, listening(bot) as address:
        assert post(address, b"\xff\xfe", headers("x"))[0] == 401


def test_a_click_without_any_action_is_refused() -> None:
    body = urllib.parse.urlencode({"payload": json.dumps(click_payload("x", "y", actions=[]))})
    with world() as bot, listening(bot) as address:
        assert post(address, body, headers(body))[0] == 400


def test_other_paths_and_methods_are_not_there() -> None:
    body = urllib.parse.urlencode(slash_form("node-1"))
    with world() as bot, listening(bot) as address:
        assert post(address, body, headers(body), path="/")[0] == 404
        connection = HTTPConnection(address.host, address.port, timeout=10)
        connection.request("GET", "/slack/events")
        assert connection.getresponse().status == 405
        connection.close()


def test_events_are_acknowledged_so_that_slack_does_not_send_them_again() -> None:
    event: dict[str, Any] = {
        "type": "event_callback",
        "team_id": "T01DEMO",
        "event": {"type": "app_home_opened", "user": "U01ANA"},
    }
    body = json.dumps(event)
    with world() as bot, listening(bot) as address:
        sent = {**headers(body), "content-type": "application/json"}
        assert post(address, body, sent)[0] == 200


def test_slacks_question_whether_the_address_is_ours_is_answered() -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"})
    with world() as bot, listening(bot) as address:
        sent = {**headers(body), "content-type": "application/json"}
        assert post(address, body, sent) == (200, '{"challenge": "abc"}')


def test_while_redis_hangs_every_one_of_many_is_answered_in_time() -> None:
    hang = threading.Event()
    with world(client=FakeClient(slow=hang), seconds=0.3) as bot, listening(bot) as address:
        began = time.monotonic()
        with ThreadPoolExecutor(40) as people:
            answers = list(
                people.map(lambda n: slash(address, "node-1", trigger_id=str(n)), range(40))
            )
        took = time.monotonic() - began
        hang.set()
    assert {status for status, _ in answers} == {200}
    assert all("twice does no harm" in body for _, body in answers)
    # 40 people over 8 threads, one after the other, would be 1.5 s of waiting for Redis alone.
    assert took < 10
