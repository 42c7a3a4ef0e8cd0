from typing import Any

import pytest
from slack_bolt import Ack
from slack_bolt import App as BoltApp
from slack_sdk import WebClient

from sandbox.slack import PersonError, Slack
from tests.sandbox.slack.making import OTHER, actions, button, section, web_client


@pytest.fixture
def pressed(bolt: BoltApp) -> list[dict[str, Any]]:
    """What reached the app's listener for `go`."""
    bodies: list[dict[str, Any]] = []

    @bolt.action("go")
    def go(ack: Ack, body: dict[str, Any]) -> None:
        bodies.append(body)
        ack()

    return bodies


def post(client: WebClient, *blocks: dict[str, Any], **more: Any) -> str:
    answer = client.chat_postMessage(channel="C0OPS", text="Decide", blocks=list(blocks), **more)
    return str(answer["ts"])


def test_a_press_carries_the_message_and_the_button(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    ts = post(client, section(), actions(button(value="q1", style="danger"), block_id="choices"))
    delivery = slack.click("bo", "ops", ts, "Go")
    assert (delivery.status, delivery.acknowledged) == (200, True)
    (body,) = pressed
    assert body["user"] == {
        "id": "U0BO",
        "username": "bo",
        "name": "bo",
        "team_id": "T0SANDBOX",
    }
    assert body["team"] == {"id": "T0SANDBOX", "domain": "sandbox"}
    assert body["channel"] == {"id": "C0OPS", "name": "ops"}
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": "C0OPS",
        "is_ephemeral": False,
    }
    assert body["message"] == slack.messages("ops")[0]
    (action,) = body["actions"]
    assert {key: action[key] for key in ("action_id", "block_id", "value", "style", "type")} == {
        "action_id": "go",
        "block_id": "choices",
        "value": "q1",
        "style": "danger",
        "type": "button",
    }
    assert body["trigger_id"]
    assert body["response_url"]


def test_a_press_in_a_thread_names_the_thread(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    parent = post(client)
    reply = post(client, actions(button()), thread_ts=parent)
    slack.click("bo", "ops", reply, "go")
    assert pressed[0]["container"]["thread_ts"] == parent
    assert [m["ts"] for m in slack.thread("ops", parent)] == [parent, reply]


def test_only_what_is_there_can_be_pressed(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    ts = post(client, actions(button(), button("stop", "Stop")))
    with pytest.raises(
        PersonError, match=r"no 'Force' to press; there is go \(Go\), stop \(Stop\)"
    ):
        slack.click("bo", "ops", ts, "Force")
    with pytest.raises(PersonError, match="sees no message"):
        slack.click("bo", "ops", "1.0", "go")
    client.chat_update(channel="C0OPS", ts=ts, text="Settled")
    with pytest.raises(PersonError, match="there is nothing"):
        slack.click("bo", "ops", ts, "go")
    client.chat_delete(channel="C0OPS", ts=ts)
    with pytest.raises(PersonError, match="sees no message"):
        slack.click("bo", "ops", ts, "go")
    assert pressed == []


def test_a_button_that_is_there_twice_must_be_named_with_its_block(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    ts = post(client, actions(button(), block_id="a"), actions(button(value="2"), block_id="b"))
    with pytest.raises(PersonError, match="there 2 times: name one of the blocks a, b"):
        slack.click("bo", "ops", ts, "go")
    slack.click("bo", "ops", ts, "go", block_id="b")
    assert pressed[0]["actions"][0]["value"] == "2"


def test_nobody_presses_what_they_cannot_see(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    blocks = [actions(button())]
    ts = client.chat_postMessage(channel="C0SECRET", text="x", blocks=blocks)["ts"]
    with pytest.raises(PersonError, match="ana can't see #secret"):
        slack.click("ana", "secret", ts, "go")
    with pytest.raises(PersonError, match="ana can't see #secret"):
        slack.messages("secret", user="ana")
    slack.click("bo", "secret", ts, "go")
    arguments: dict[str, Any] = {"channel": "C0OPS", "user": "U0BO", "text": "x", "blocks": blocks}
    ts = client.chat_postEphemeral(**arguments)["message_ts"]
    with pytest.raises(PersonError, match="ana sees no message"):
        slack.click("ana", "ops", ts, "go")
    slack.click("bo", "ops", ts, "go")
    assert len(pressed) == 2


def test_a_stale_copy_can_be_pressed_on_purpose(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    ts = post(client, actions(button(value="old")))
    (copy,) = slack.messages("ops")
    client.chat_update(channel="C0OPS", ts=ts, text="Settled")
    slack.click_stale("bo", copy, "ops", "go")
    client.chat_delete(channel="C0OPS", ts=ts)
    slack.click_stale("bo", copy, "ops", "go")
    assert [body["actions"][0]["value"] for body in pressed] == ["old", "old"]
    assert pressed[0]["message"] == copy


def test_a_forged_press_is_delivered_as_it_is(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    ts = post(client)
    action = {"type": "button", "action_id": "go", "block_id": "b", "value": "forged"}
    assert slack.click_forged("gus", "ops", ts, action).status == 200
    assert pressed[0]["actions"][0]["value"] == "forged"


def test_a_person_from_elsewhere_presses_with_their_own_team(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    ts = post(client, actions(button()))
    slack.click("eve", "ops", ts, "go")
    assert (pressed[0]["user"]["team_id"], pressed[0]["team"]["id"]) == ("T0ELSEWHERE",) * 2


def test_a_press_goes_to_the_app_whose_message_it_is(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    other = web_client(slack, OTHER.bot_token)
    blocks = [actions(button())]
    ts = other.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)["ts"]
    delivery = slack.click("bo", "ops", ts, "go")
    assert (delivery.app, delivery.failure) == ("other", "dispatch_failed")
    assert delivery.shown == "a warning sign"
    assert pressed == []
    assert client.token


def test_a_choice_in_a_select_is_reported(
    slack: Slack, client: WebClient, pressed: list[dict[str, Any]]
) -> None:
    options = [
        {"text": {"type": "plain_text", "text": name.title()}, "value": name} for name in ("a", "b")
    ]
    ts = post(client, actions({"type": "static_select", "action_id": "go", "options": options}))
    slack.choose("bo", "ops", ts, "go", "B")
    assert pressed[0]["actions"][0]["selected_option"]["value"] == "b"
    with pytest.raises(PersonError, match="no option 'c'; it has a, b"):
        slack.choose("bo", "ops", ts, "go", "c")
