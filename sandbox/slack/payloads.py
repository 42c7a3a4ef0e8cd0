"""The payloads that Slack sends for what a person does; pure but for the ids that they use up.

From https://docs.slack.dev/interactivity/implementing-slash-commands and
https://docs.slack.dev/reference/interaction-payloads.
"""

import secrets
from typing import Any

from sandbox.slack.forms import state_values
from sandbox.slack.render import message_json, view_json
from sandbox.slack.state import Message, ResponseUrl, State, View
from sandbox.slack.workspace import App, Channel, User

__all__ = [
    "block_actions_in_message",
    "block_actions_in_view",
    "block_suggestion",
    "event_callback",
    "message_event",
    "slash_command",
    "view_closed",
    "view_submission",
]

_VERIFICATION = "sandbox-verification-token"  # deprecated by Slack and sent all the same


def new_response_url(
    state: State,
    base_url: str,
    app: App,
    user: User,
    channel: str,
    source: Message | None = None,
) -> str:
    """Issue an address for answers to a command or to a press in ``source``."""
    key = f"{'actions' if source else 'commands'}/{state.workspace.team}/{secrets.token_hex(12)}"
    state.response_urls[key] = ResponseUrl(
        app=app.id,
        user=user.id,
        channel=channel,
        issued=state.clock.now(),
        source_ts=source.ts if source else None,
        thread_ts=source.thread_ts if source else None,
    )
    return f"{base_url}/{key}"


def slash_command(
    state: State, base_url: str, app: App, user: User, channel: Channel, command: str, text: str
) -> dict[str, str]:
    """Return the form fields of a slash command."""
    team = team_of(state, user)
    return {
        "token": _VERIFICATION,
        "team_id": team["id"],
        "team_domain": team["domain"],
        "channel_id": channel.id,
        "channel_name": "privategroup" if channel.private else channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": app.id,
        "is_enterprise_install": "false",
        "response_url": new_response_url(state, base_url, app, user, channel.id),
        "trigger_id": state.new_trigger(app, user),
    }


def team_of(state: State, user: User) -> dict[str, str]:
    """Return the workspace that a person belongs to."""
    if user.team in {None, state.workspace.team}:
        return {"id": state.workspace.team, "domain": state.workspace.domain}
    return {"id": str(user.team), "domain": "elsewhere"}


def _interaction(state: State, kind: str, app: App, user: User) -> dict[str, Any]:
    team = team_of(state, user)
    return {
        "type": kind,
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": team["id"],
        },
        "api_app_id": app.id,
        "token": _VERIFICATION,
        "team": team,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def block_actions_in_message(
    state: State,
    base_url: str,
    app: App,
    user: User,
    message: Message,
    action: dict[str, Any],
    *,
    shown: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the payload of a press in a message; ``shown`` is the copy that the person sees."""
    seen = shown or message_json(state, message, metadata=False)
    container: dict[str, Any] = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.only_for is not None,
    }
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    channel = state.channels[message.channel]
    payload = _interaction(state, "block_actions", app, user) | {
        "container": container,
        "trigger_id": state.new_trigger(app, user),
        "channel": {
            "id": channel.id,
            "name": "privategroup" if channel.private else channel.name,
        },
        "state": {"values": state_values(seen.get("blocks", []), {})},
        "response_url": new_response_url(state, base_url, app, user, channel.id, message),
        "actions": [action | {"action_ts": state.new_ts()}],
    }
    if message.only_for is None:  # Slack has no copy of an ephemeral message to send
        payload["message"] = seen
    return payload


def block_actions_in_view(
    state: State,
    app: App,
    user: User,
    view: View,
    action: dict[str, Any],
    given: dict[str, Any],
    blocks: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the payload of a press in a modal or a home tab.

    ``blocks`` are the view's own, with all options that its selects offer.
    """
    modal = view.definition["type"] == "modal"
    return _interaction(state, "block_actions", app, user) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": state.new_trigger(app, user, view.id if modal else None),
        "view": _view_with_input(state, view, given, blocks),
        "actions": [action | {"action_ts": state.new_ts()}],
    }


def block_suggestion(
    state: State,
    app: App,
    user: User,
    view: View,
    block: dict[str, Any],
    element: dict[str, Any],
    typed: str,
) -> dict[str, Any]:
    """Return the payload of an external select that wants its options.

    What stands in other fields of the view is not in it: no app should count on that.
    """
    return _interaction(state, "block_suggestion", app, user) | {
        "container": {"type": "view", "view_id": view.id},
        "block_id": block["block_id"],
        "action_id": element["action_id"],
        "value": typed,
        "view": view_json(state, view) | {"state": {"values": {}}},
    }


def view_submission(
    state: State,
    app: App,
    user: User,
    view: View,
    given: dict[str, Any],
    blocks: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the payload of a modal that was sent off; ``blocks`` as in a press."""
    return _interaction(state, "view_submission", app, user) | {
        "trigger_id": state.new_trigger(app, user, view.id),
        "view": _view_with_input(state, view, given, blocks),
        "response_urls": [],
    }


def view_closed(state: State, app: App, user: User, view: View, *, cleared: bool) -> dict[str, Any]:
    """Return the payload of a modal that was closed."""
    return _interaction(state, "view_closed", app, user) | {
        "view": view_json(state, view),
        "is_cleared": cleared,
    }


def _view_with_input(
    state: State, view: View, given: dict[str, Any], blocks: list[dict[str, Any]]
) -> dict[str, Any]:
    values = state_values(blocks, given)
    return view_json(state, view) | {"state": {"values": values}}


def event_callback(state: State, app: App, event: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope of the Events API around an event."""
    return {
        "token": _VERIFICATION,
        "team_id": state.workspace.team,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": state.new_id("Ev"),
        "event_time": int(state.clock.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": state.workspace.team,
                "user_id": app.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def message_event(message: Message, user: User, team: str) -> dict[str, Any]:
    """Return the event of a person's message."""
    event = {
        "type": "message",
        "channel": message.channel,
        "channel_type": "channel",
        "user": user.id,
        "team": team,
        "text": message.text,
        "ts": message.ts,
        "event_ts": message.ts,
    }
    return event | ({"thread_ts": message.thread_ts} if message.thread_ts else {})
