"""Slack as text: what a person reads, and what they may press and fill in."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack
from slack_bolt import App as BoltApp
from slack_sdk import WebClient

from sandbox.demo.keys import TypingError
from sandbox.demo.live_scene import CHANNEL, live_workspace
from sandbox.demo.terminal_slack import (
    Form,
    TerminalSlack,
    buttons_of,
    called,
    changed,
    plain,
    rendered,
)
from sandbox.slack import Slack, running
from sandbox.slack.house_rules import SWITCH
from tests.sandbox.slack.bolt_host import hosted
from tests.sandbox.slack.making import actions, button, eventually, modal, section, written

NAMES = {"U0BO": "bo", "S0ONCALL": "sre-oncall", "C0OPS": "ops"}
AT = 1_790_000_000


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<@U0BO> and <!subteam^S0ONCALL> in <#C0OPS>", "@bo and @sre-oncall in #ops"),
        ("<@U0NEW|new> <@U0GONE> <!here>", "@new @U0GONE @here"),
        ("*Safe to power off*: a * b*c", "Safe to power off: a * b*c"),
        ("<https://example.com/x|→ question> <https://example.com>", "→ question https://example.com"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &amp;lt;", "1 < 2 && 3 > 2 &lt;"),
        (f"at <!date^{AT}^{{time}}|14:13 UTC>", time.strftime("at %H:%M", time.localtime(AT))),
    ],
)  # fmt: skip
def test_markup_is_read_as_words(markup: str, shown: str) -> None:
    assert plain(markup, NAMES) == shown


def test_a_message_is_lines_with_its_buttons_by_number() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Decide: db-0 can't move"}},
        section("node-2, demo\nBudget *db* needs 3"),
        {"type": "divider"},
        actions(button("retry", "Retry"), button("force", "Force db-0…")),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "<@U0BO> decides"}]},
    ]
    assert rendered(blocks, NAMES, {"retry": 3, "force": 4}) == [
        "# Decide: db-0 can't move",
        "node-2, demo",
        "Budget db needs 3",
        "---",
        "[3] Retry  [4] Force db-0…",
        "(@bo decides)",
    ]


def test_buttons_of_one_kind_in_several_rows_go_by_their_words() -> None:
    blocks = [actions(button("back", f"Return node-{n}"), button(f"x{n}", "More")) for n in (1, 2)]
    names = [called(one, blocks) for one in buttons_of(blocks)]
    assert names == ["Return node-1", "x1", "Return node-2", "x2"]
    assert rendered(blocks, NAMES, {name: at for at, name in enumerate(names)}) == [
        "[0] Return node-1  [1] More",
        "[2] Return node-2  [3] More",
    ]


def test_the_home_tab_is_shown_once_the_app_has_published_it(
    seen: TerminalSlack, bolt: BoltApp
) -> None:
    @bolt.event("app_home_opened")
    def opened(event: dict[str, Any], client: WebClient) -> None:
        view = {"type": "home", "blocks": [section(f"Waits for <@{event['user']}>")]}
        client.views_publish(user_id=event["user"], view=view)

    assert seen.typed("as bo") == ["You are @bo now."]
    for _ in range(2):
        assert seen.typed("home") == []
        assert _until(seen, "home tab") == "┌ home tab of @bo\n│ Waits for @bo"
    assert seen.look() == []


def test_of_an_edited_message_only_what_is_new_is_shown() -> None:
    before = ["# Draining", "node-1 ██░ 2/3", "(op 7F3K · as of 14:00:00)"]
    assert changed(before, ["# Draining", "node-1 ███ 3/3", "(op 7F3K · as of 14:00:01)"]) == [
        "node-1 ███ 3/3"
    ]
    assert changed(before, before) == []


def test_a_form_asks_each_line_and_again_for_what_was_wrong() -> None:
    view = modal(section(), written("why"), written("confirm", optional=True))
    form = Form.of(view)
    assert form.asks.endswith(":")
    assert "needed" in form.take("")
    assert form.take("because") == ""
    assert "(or just Enter)" in form.asks
    assert form.take("") == ""
    assert form.asks == ""
    assert form.again({"why": "Say more."}) == ["Say more."]
    assert form.asks
    assert form.answers == {"confirm": ""}


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    monkeypatch.delenv(SWITCH)  # words of these tests, not the bot's
    with running(live_workspace(), rate_limits=False, ack_limit_s=20) as server:
        yield server


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return WebClient(token=slack.workspace().apps[0].bot_token, base_url=slack.api_url)


@pytest.fixture
def bolt(slack: Slack, client: WebClient) -> Iterator[BoltApp]:
    with hosted(client, slack.workspace().apps[0].signing_secret) as host:
        slack.configure(request_url=host.url, socket_mode=False)
        yield host.app


@pytest.fixture
def seen(slack: Slack) -> TerminalSlack:
    return TerminalSlack(slack, slack.workspace(), CHANNEL)


def _until(seen: TerminalSlack, words: str) -> str:
    lines: list[str] = []

    def there() -> bool:
        lines.extend(seen.look())
        return any(words in line for line in lines)

    eventually(there)
    return "\n".join(lines)


def _force(bolt: BoltApp) -> list[dict[str, Any]]:
    """Let the app open a form at a press of `force`; returns what is sent off, as it comes."""
    sent: list[dict[str, Any]] = []

    @bolt.action("force")
    def pressed(ack: Ack, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(section("db-0"), written()))

    @bolt.view("force")
    def submitted(ack: Ack, body: dict[str, Any]) -> None:
        value = body["view"]["state"]["values"]["why"]["why_text"]["value"]
        if value == "no":
            ack(response_action="errors", errors={"why": "Say why, really."})
            return
        ack()
        sent.append({"by": body["user"]["id"], "why": value})

    return sent


def test_a_person_presses_a_button_and_fills_in_the_form(
    seen: TerminalSlack, bolt: BoltApp, client: WebClient
) -> None:
    sent = _force(bolt)
    client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button("force", "Force…"))])
    assert "[1] Force…" in _until(seen, "Force…")
    assert seen.typed("as bo") == ["You are @bo now."]
    assert seen.typed("1") == []
    assert "│ db-0" in _until(seen, "type `back` to close it")
    assert seen.prompt == "Force > "
    assert seen.typed("no") == ["Say why, really.", "Why:"]
    assert seen.typed("primary moved") == ["Sent."]
    assert sent == [{"by": "U0BO", "why": "primary moved"}]
    assert seen.prompt == "@bo > "


def test_a_form_that_is_closed_sends_nothing(
    slack: Slack, seen: TerminalSlack, bolt: BoltApp, client: WebClient
) -> None:
    sent = _force(bolt)
    client.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(button("force", "Force…"))])
    _until(seen, "Force…")
    seen.typed("1")
    _until(seen, "to close it")
    assert seen.typed("back") == ["Closed; nothing was sent."]
    assert (slack.modals("ana"), sent) == ([], [])


def test_a_command_is_answered_for_the_one_who_typed_it(seen: TerminalSlack, bolt: BoltApp) -> None:
    @bolt.command("/drain")
    def drain(ack: Ack, body: dict[str, Any]) -> None:
        ack(f"{body['user_name']} wants {body['text']}")

    assert seen.typed("/drain  node-1 reason disk ") == []
    told = _until(seen, "ana wants")
    assert told == "┌ only @ana sees\n│ ana wants node-1 reason disk"
    assert seen.look() == []
    with pytest.raises(TypingError, match="/drian is not a valid command"):
        seen.typed("/drian node-1")


def test_a_thread_is_shown_and_an_edit_shows_what_changed(
    seen: TerminalSlack, client: WebClient
) -> None:
    blocks = [section("node-1 0/2"), actions(button("stop", "Stop"))]
    ts = client.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)["ts"]
    client.chat_postMessage(channel="C0OPS", text="node-1 is cordoned", thread_ts=ts)
    assert seen.look() == [
        "┌ #ops", "│ node-1 0/2", "│ [1] Stop",
        "┌ #ops, in the thread", "│ node-1 is cordoned",
    ]  # fmt: skip
    assert seen.look() == []
    client.chat_update(channel="C0OPS", ts=ts, text="x", blocks=[section("node-1 2/2")])
    assert seen.look() == ["┌ #ops, edited", "│ node-1 2/2"]
    with pytest.raises(TypingError, match="no 'stop' to press"):
        seen.typed("1")  # what was shown once is there no more


def test_a_number_is_never_given_to_two_buttons(seen: TerminalSlack, client: WebClient) -> None:
    for _ in range(3):
        row = actions(button("retry", "Retry"), button("skip", "Skip"))
        client.chat_postMessage(channel="C0OPS", text="x", blocks=[row])
    shown = "\n".join(seen.look())
    assert re.findall(r"\[(\d+)\]", shown) == ["1", "2", "3", "4", "5", "6"]


def test_what_is_no_business_of_slacks_is_left_to_others(seen: TerminalSlack) -> None:
    assert seen.typed("kill") is None
    assert seen.typed("") is None
    with pytest.raises(TypingError, match="There is no button 7"):
        seen.typed("7")
    with pytest.raises(TypingError, match="Here are ana, bo, cy"):
        seen.typed("as gus")


def test_an_app_that_does_not_answer_is_told_as_slack_does(
    slack: Slack, seen: TerminalSlack
) -> None:
    slack.configure(request_url="http://127.0.0.1:9/slack/events", socket_mode=False)
    (warning,) = seen.typed("/drain node-1") or []
    assert "/drain failed" in warning
