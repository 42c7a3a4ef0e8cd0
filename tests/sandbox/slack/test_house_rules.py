"""What the stand-in has against messages that Slack would take: each rule can be broken."""

from typing import Any

import pytest
from slack_bolt import Ack
from slack_sdk import WebClient

from sandbox.slack import App, demo_workspace, running
from sandbox.slack.house_rules import SWITCH, of_message, of_view
from tests.sandbox.slack.bolt_host import hosted
from tests.sandbox.slack.making import eventually, modal, section

SENTENCE = "Ana wants to drain node-17."


def button(text: str, **more: Any) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "text": label, "action_id": text, "accessibility_label": text, **more}


def row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


FINE = [section("words"), row(button("Approve"), button("Deny"))]


def test_a_message_that_can_be_read_aloud_breaks_no_rule() -> None:
    assert of_message(SENTENCE, FINE) == []
    assert of_message("7F3K  prod-eu  Draining", []) == []  # without blocks it is all that is shown
    assert of_view(modal()) == []


@pytest.mark.parametrize(
    ("text", "blocks", "wrong"),
    [
        ("Approve", FINE, "no sentence"),
        ("Ana wants to drain node-17", FINE, "ends like no sentence"),
        (SENTENCE, [section(":red_circle: 🔴")], "says nothing in words"),
        (SENTENCE, [section("<!here> look")], "pings everybody"),
        (SENTENCE, [row(button("<@U0ANA>"))], "shows its markup"),
        (SENTENCE, [section("\u202egnp.exe")], "turns the words"),
        (SENTENCE, [section("\u2068cut off")], "opens an isolate"),
        (SENTENCE, [section("red\x1b[31m")], "control characters"),
        (SENTENCE, [row(button("Go", accessibility_label=" "))], "no accessibility_label"),
        (
            SENTENCE,
            [row(button("Go", style="primary"), button("Go", action_id="b", style="danger"))],
            "only colour or place",
        ),
        (SENTENCE, [row(button("Go")), row(button("Go"))], "nobody hears which is which"),
        (SENTENCE, [row(button("Skip the node with the long name"))], "is cut off"),
    ],
)
def test_each_rule_names_what_breaks_it(text: str, blocks: list[Any], wrong: str) -> None:
    assert wrong in "\n".join(of_message(text, blocks))


def test_the_title_of_a_view_is_looked_at_too() -> None:
    view = modal() | {"title": {"type": "plain_text", "text": "🔥"}}
    assert "says nothing in words" in str(of_view(view))


@pytest.mark.parametrize("method", ["chat_postMessage", "chat_postEphemeral", "views_publish"])
def test_whatever_breaks_a_rule_fails_the_run_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    blocks = [row(button("Go", accessibility_label=" "))]
    arguments: dict[str, Any] = {"channel": "ops", "text": SENTENCE, "blocks": blocks}
    if method == "views_publish":
        arguments = {"user_id": "U0BO", "view": {"type": "home", "blocks": blocks}}
    elif method == "chat_postEphemeral":
        arguments["user"] = "U0BO"

    def play() -> None:
        with running(demo_workspace()) as slack:
            client = WebClient(App().bot_token, base_url=slack.api_url)
            if "channel" in arguments:
                arguments["channel"] = "C0OPS"
            getattr(client, method)(**arguments)

    play()
    monkeypatch.setenv(SWITCH, "1")
    with pytest.raises(AssertionError, match="no accessibility_label"):
        play()


@pytest.mark.parametrize(
    "way", ["opened", "pushed by an acknowledgement", "an answer to a command"]
)
def test_dialogs_and_acknowledgements_are_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    bad = modal(row(button("Go", accessibility_label=" ")))

    def play() -> None:
        with running(demo_workspace(), ack_limit_s=20) as slack:
            client = WebClient(App().bot_token, base_url=slack.api_url)
            with hosted(client, App().signing_secret) as host:
                slack.configure(request_url=host.url)

                @host.app.command("/drain")
                def drain(ack: Ack, body: dict[str, Any]) -> None:
                    if way == "an answer to a command":
                        ack(text=SENTENCE, blocks=bad["blocks"])
                        return
                    ack()
                    view = bad if way == "opened" else modal()
                    client.views_open(trigger_id=body["trigger_id"], view=view)

                @host.app.view("force")
                def forced(ack: Ack) -> None:
                    ack(response_action="push", view=bad)

                slack.slash("bo", "ops", "/drain", "node-1")
                if way == "pushed by an acknowledgement":
                    eventually(lambda: slack.modals("bo"))
                    slack.submit("bo")

    play()
    monkeypatch.setenv(SWITCH, "1")
    with pytest.raises(AssertionError, match="no accessibility_label"):
        play()
