"""Makings of tests: blocks, a client, and patience."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from slack_sdk import WebClient

from sandbox.slack import App, Slack

T = TypeVar("T")

OTHER = App(
    id="A0OTHER",
    name="other",
    bot_id="B0OTHER",
    bot_user="U0OTHER",
    bot_token="xoxb-sandbox-other",
    app_token="xapp-sandbox-other",
    commands=frozenset({"/other"}),
)


def eventually(look: Callable[[], T], within_s: float = 60.0) -> T:
    """What an app does after it acknowledged comes a moment later."""
    end = time.monotonic() + within_s
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.01)
    assert found, "it did not come about"
    return found


def web_client(slack: Slack, token: str | None = None) -> WebClient:
    token = token or slack.workspace().apps[0].bot_token
    return WebClient(token=token, base_url=slack.api_url)


def button(action_id: str = "go", text: str = "Go", **more: Any) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "action_id": action_id, "text": label, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def section(text: str = "hello") -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def written(block_id: str = "why", **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": block_id.title()},
        "element": {"type": "plain_text_input", "action_id": f"{block_id}_text"},
        **more,
    }


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "force",
        "title": {"type": "plain_text", "text": "Force"},
        "submit": {"type": "plain_text", "text": "Force"},
        "blocks": list(blocks) or [section()],
        **more,
    }
