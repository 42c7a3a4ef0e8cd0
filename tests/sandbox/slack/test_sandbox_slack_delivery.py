import json
import threading
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_bolt import Ack, BoltRequest, Respond
from slack_bolt import App as BoltApp
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from sandbox.slack import Fault, PersonError, Slack
from sandbox.slack.deliveries import signature
from tests.sandbox.slack.making import actions, button, eventually, section


def test_the_signature_is_the_one_of_slacks_own_example() -> None:
    # From https://docs.slack.dev/authentication/verifying-requests-from-slack
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F"
        b"commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_a_slash_command_carries_all_that_slack_sends(slack: Slack, bolt: BoltApp) -> None:
    seen: list[dict[str, Any]] = []

    @bolt.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        seen.append(body)
        ack("on it")

    delivery = slack.slash("ana", "ops", "/drain", "node-1 & <b>")
    assert (delivery.status, delivery.body, delivery.acknowledged) == (200, "on it", True)
    assert delivery.ms > 0
    (body,) = seen
    wanted = {
        "team_id": "T0SANDBOX",
        "team_domain": "sandbox",
        "channel_id": "C0OPS",
        "channel_name": "ops",
        "user_id": "U0ANA",
        "user_name": "ana",
        "command": "/drain",
        "text": "node-1 & <b>",
        "api_app_id": "A0DRAINBOT",
        "is_enterprise_install": "false",
    }
    assert wanted.items() <= body.items()
    assert body["trigger_id"]
    assert body["response_url"].startswith(slack.url)
    assert [m["text"] for m in slack.ephemerals("ana")] == ["on it"]
    assert slack.messages("ops") == []


def test_an_answer_in_channel_is_seen_by_all(slack: Slack, bolt: BoltApp) -> None:
    @bolt.command("/drain")
    def drain(ack: Ack) -> None:
        ack(text="look", blocks=[section("look")], response_type="in_channel")

    slack.slash("ana", "ops", "/drain")
    assert [m["text"] for m in slack.messages("ops")] == ["look"]


def test_an_answer_that_is_no_message_is_complained_about(slack: Slack, bolt: BoltApp) -> None:
    @bolt.command("/drain")
    def drain(ack: Ack) -> None:
        ack(text="x", blocks=[section("")])

    delivery = slack.slash("ana", "ops", "/drain")
    assert "invalid_blocks" in (delivery.shown or "")
    assert slack.ephemerals("ana")[0]["user"] == "USLACKBOT"


def test_a_person_from_elsewhere_comes_with_their_own_team(slack: Slack, bolt: BoltApp) -> None:
    @bolt.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        ack(body["team_id"])

    assert slack.slash("eve", "ops", "/drain").body == "T0ELSEWHERE"


def test_what_a_person_cannot_do_is_not_delivered(slack: Slack, bolt: BoltApp) -> None:
    assert bolt.client
    for user, channel, command, why in (
        ("ana", "ops", "/nope", "not a valid command"),
        ("nobody", "ops", "/drain", "no user 'nobody'"),
        ("ana", "nowhere", "/drain", "no channel 'nowhere'"),
        ("ana", "secret", "/drain", "ana is not in #secret"),
        ("ana", "old", "/drain", "#old is archived"),
    ):
        with pytest.raises(PersonError, match=why):
            slack.slash(user, channel, command)
    assert slack.deliveries() == []


@pytest.mark.parametrize("ack_limit_s", [0.2])
def test_an_app_that_does_not_acknowledge_in_time_is_complained_about(
    slack: Slack, bolt: BoltApp
) -> None:
    release = threading.Event()

    @bolt.command("/drain")
    def drain(ack: Ack) -> None:
        release.wait(10)
        ack()

    delivery = slack.slash("ana", "ops", "/drain")
    release.set()
    assert (delivery.status, delivery.failure) == (None, "operation_timeout")
    assert slack.ephemerals("ana")[0]["text"] == '/drain failed with the error "operation_timeout"'


def test_an_app_that_is_away_or_fails_is_complained_about(slack: Slack, bolt: BoltApp) -> None:
    assert slack.slash("ana", "ops", "/drain").status == 404  # no listener
    slack.configure(request_url="http://127.0.0.1:9/slack/events")
    delivery = slack.slash("ana", "ops", "/drain")
    assert (delivery.failure, delivery.shown) == (
        "dispatch_failed",
        '/drain failed with the error "dispatch_failed"',
    )
    assert bolt.client


@pytest.mark.parametrize("forgery", ["unsigned", "wrong_signature", "stale"])
def test_bolt_refuses_a_forged_request(slack: Slack, bolt: BoltApp, forgery: Any) -> None:
    ran: list[str] = []

    @bolt.command("/drain")
    def drain(ack: Ack) -> None:
        ran.append("ran")
        ack()

    assert slack.slash("ana", "ops", "/drain", forgery=forgery).status == 401
    assert ran == []


def test_a_command_can_come_twice(slack: Slack, bolt: BoltApp) -> None:
    bodies: list[dict[str, Any]] = []

    @bolt.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        bodies.append(body)
        ack()

    first = slack.slash("ana", "ops", "/drain", "node-1")
    again = slack.redeliver(first)
    assert bodies[0] == bodies[1]
    assert (again.payload, again.retry) == (first.payload, 1)


def test_a_redelivered_event_says_that_it_is_a_retry(slack: Slack, bolt: BoltApp) -> None:
    headers: list[Any] = []

    @bolt.event("app_mention")
    def mentioned(request: BoltRequest) -> None:
        headers.append(request.headers.get("x-slack-retry-num"))

    event = {"type": "app_mention", "user": "U0ANA", "channel": "C0OPS", "text": "hi", "ts": "1.0"}
    delivery = slack.event("drainbot", event)
    again = slack.redeliver(slack.redeliver(delivery))
    assert (delivery.status, again.retry) == (200, 2)
    assert eventually(lambda: len(headers) == 3)
    assert sorted(headers, key=str) == [None, ["1"], ["2"]]
    assert delivery.payload["event_id"] == again.payload["event_id"]


def test_a_message_is_an_event_for_apps_that_subscribed(slack: Slack, bolt: BoltApp) -> None:
    assert slack.say("ana", "ops", "hello") == []
    assert slack.messages("ops")[0]["user"] == "U0ANA"
    assert bolt.client


def respond_url(slack: Slack) -> str:
    url: str = slack.deliveries()[-1].payload["response_url"]
    return url


def test_a_response_url_is_good_five_times_within_thirty_minutes(
    slack: Slack, bolt: BoltApp
) -> None:
    @bolt.command("/drain")
    def drain(ack: Ack, respond: Respond) -> None:
        ack()
        respond("one")

    slack.slash("ana", "ops", "/drain")
    eventually(lambda: len(slack.ephemerals("ana")) == 1)
    hook = WebhookClient(respond_url(slack))
    assert [hook.send(text="more").status_code for _ in range(4)] == [200] * 4
    used = hook.send(text="too many")
    assert (used.status_code, json.loads(used.body)["error"]) == (404, "used_url")
    slack.slash("ana", "ops", "/drain")
    eventually(lambda: len(slack.ephemerals("ana")) == 6)
    slack.advance(30 * 60 + 1)
    late = WebhookClient(respond_url(slack)).send(text="too late")
    assert (late.status_code, json.loads(late.body)["error"]) == (404, "expired_url")
    assert WebhookClient(f"{slack.url}/commands/T0/none").send(text="x").status_code == 404
    assert [call["status"] for call in slack.calls("response_url")] == [200] * 5 + [
        404,
        200,
        404,
        404,
    ]


def test_an_answer_may_replace_or_delete_the_message_that_was_pressed(
    slack: Slack, client: WebClient, bolt: BoltApp
) -> None:
    @bolt.action("go")
    def go(ack: Ack) -> None:
        ack()

    arguments: dict[str, Any] = {"channel": "C0OPS", "user": "U0BO", "text": "only you"}
    ts = client.chat_postEphemeral(blocks=[actions(button())], **arguments)["message_ts"]
    pressed = slack.click("bo", "ops", ts, "go")
    assert pressed.payload["container"]["is_ephemeral"] is True
    assert "message" not in pressed.payload
    hook = WebhookClient(respond_url(slack))
    assert hook.send(text="changed", replace_original=True).status_code == 200
    assert [(m["text"], m["ts"]) for m in slack.ephemerals("bo")] == [("changed", ts)]
    assert hook.send(delete_original=True).status_code == 200
    assert slack.ephemerals("bo") == []
    assert hook.send(text="").status_code == 400
    slack.fault(Fault(method="response_url", kind="status"))
    assert hook.send(text="x").status_code == 500


def test_the_interaction_is_one_form_field(slack: Slack, client: WebClient, bolt: BoltApp) -> None:
    raw: list[str] = []

    @bolt.middleware
    def keep(request: BoltRequest, next_: Any) -> None:
        raw.append(request.raw_body)
        next_()

    @bolt.action("go")
    def go(ack: Ack) -> None:
        ack()

    ts = client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button())])["ts"]
    delivery = slack.click("bo", "ops", ts, "go")
    fields = parse_qs(raw[-1])
    assert list(fields) == ["payload"]
    assert json.loads(fields["payload"][0]) == delivery.payload
