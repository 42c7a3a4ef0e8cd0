"""What Slack delivers, as it does: signed forms of commands, presses and submitted modals."""

import hashlib
import hmac
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from slack_bolt import BoltRequest

from bot.messages.message import BlockDict

TEAM, ANA = "T01DEMO", "U01ANA"
OPS = "C01OPS"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def slash_form(text: str, **fields: str) -> dict[str, str]:
    """Return the form of a slash command as Slack sends it."""
    return {
        "command": "/drain",
        "text": text,
        "team_id": TEAM,
        "user_id": ANA,
        "channel_id": OPS,
        "trigger_id": "1.2.slash",
        "response_url": "https://hooks.slack.example/commands/1",
        **fields,
    }


def click_payload(action_id: str, value: str, **fields: Any) -> dict[str, Any]:
    """Return the payload of a click as Slack sends it."""
    user = fields.pop("user", ANA)
    return {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "demo"},
        "user": {"id": user, "team_id": fields.pop("user_team", TEAM)},
        "channel": {"id": OPS, "name": "ops"},
        "message": {"ts": "100.2", "thread_ts": "100.1"},
        "container": {"type": "message", "message_ts": "100.2", "channel_id": OPS},
        "trigger_id": "1.2.click",
        "response_url": "https://hooks.slack.example/actions/1",
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": value}],
        **fields,
    }


def submission_payload(view: BlockDict, typed: Mapping[str, str], **fields: Any) -> dict[str, Any]:
    """Return the payload of a submitted modal as Slack sends it."""
    user = fields.pop("user", ANA)
    return {
        "type": "view_submission",
        "team": {"id": TEAM, "domain": "demo"},
        "user": {"id": user, "team_id": TEAM},
        "trigger_id": "1.2.submit",
        "view": {
            **view,
            "id": "V1",
            "state": {
                "values": {
                    block: {"value": {"type": "plain_text_input", "value": text}}
                    for block, text in typed.items()
                }
            },
        },
        **fields,
    }


def headers(body: str, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """Sign a body as Slack does."""
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={mac.hexdigest()}",
    }


def signed(form: Mapping[str, str]) -> BoltRequest:
    """Return a form as the signed request that Bolt gets."""
    body = urllib.parse.urlencode(form)
    return BoltRequest(body=body, headers=dict(headers(body)))
