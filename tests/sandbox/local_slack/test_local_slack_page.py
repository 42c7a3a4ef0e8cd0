"""The whole way in the page: a command, a message with buttons, a modal, an update."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from slack_bolt import Ack
from slack_bolt import App as BoltApp
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from sandbox.local_slack import LocalSlack
from tests.sandbox.slack.making import actions, button, modal, section, written

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture
def page(slack: LocalSlack) -> Iterator[Page]:
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"there is no {CHROMIUM} (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.goto(slack.url)
        page.wait_for_selector(".composer-input")
        yield page
        browser.close()


@pytest.fixture
def bot(slack: LocalSlack) -> Iterator[BoltApp]:
    app = slack.workspace.apps[0]
    bolt = BoltApp(client=WebClient(token=app.bot_token, base_url=slack.api_url))
    _listen(bolt)
    handler = SocketModeHandler(bolt, app.app_token)
    handler.client.connect()
    yield bolt
    handler.client.close()
    bolt.listener_runner.listener_executor.shutdown()


def _listen(bolt: BoltApp) -> None:
    @bolt.command("/drain")
    def drain(ack: Ack, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        blocks = [section(f"Draining {body['text']}"), actions(button("force", "Force…"))]
        client.chat_postMessage(channel=body["channel_id"], text="Decide", blocks=blocks)

    @bolt.event("app_home_opened")
    def opened(client: WebClient, event: dict[str, Any]) -> None:
        blocks = [section(f"Waits for <@{event['user']}>"), actions(button("skip", "Skip node-1"))]
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @bolt.action("skip")
    def skip(ack: Ack, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        blocks = [section(f"Skipped by <@{body['user']['id']}>")]
        client.views_publish(user_id=body["user"]["id"], view={"type": "home", "blocks": blocks})

    @bolt.action("force")
    def force(ack: Ack, client: WebClient, body: dict[str, Any]) -> None:
        ack()
        where = json.dumps([body["channel"]["id"], body["message"]["ts"]])
        view = modal(written(), private_metadata=where)
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @bolt.view("force")
    def forced(ack: Ack, client: WebClient, body: dict[str, Any], view: dict[str, Any]) -> None:
        why = view["state"]["values"]["why"]["why_text"]["value"]
        if not why:
            ack(response_action="errors", errors={"why": "Say why."})
            return
        ack()
        channel, ts = json.loads(view["private_metadata"])
        text = f"Forced by <@{body['user']['id']}>: {why}"
        client.chat_update(channel=channel, ts=ts, text=text, blocks=[section(text)])


@pytest.mark.usefixtures("bot")
def test_a_person_commands_presses_and_fills_in(slack: LocalSlack, page: Page) -> None:
    page.click(".sidebar-item:has-text('ops')")
    page.select_option("select", label="Bo")
    page.fill(".composer-input", "/drain node-1")
    page.press(".composer-input", "Enter")
    page.wait_for_selector("text=Draining node-1")
    page.click("text=Force…")
    page.click(".modal-btn.primary")
    page.wait_for_selector(".modal-error:has-text('Say why.')")
    page.fill(".modal input", "primary moved")
    page.click(".modal-btn.primary")
    page.wait_for_selector("text=primary moved")
    assert page.query_selector(".modal") is None
    assert page.query_selector("text=Force…") is None
    (message,) = slack.messages("ops")
    assert message["text"] == "Forced by <@U0BO>: primary moved"


@pytest.mark.usefixtures("bot")
def test_a_person_looks_at_the_home_tab_and_presses_its_button(page: Page) -> None:
    page.select_option("select", label="Bo")
    page.click(".sidebar-item:has-text('drainbot')")
    page.wait_for_selector(".home:has-text('Waits for @Bo')")
    page.click(".home >> text=Skip node-1")
    page.wait_for_selector(".home:has-text('Skipped by @Bo')")
    assert page.query_selector("text=Skip node-1") is None
