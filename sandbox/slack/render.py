"""Slack's JSON for what is stored; pure."""

import re
from typing import Any

from sandbox.slack.state import Message, State, View
from sandbox.slack.workspace import App, Channel, User

__all__ = [
    "bot_user_json",
    "channel_json",
    "mentions",
    "message_json",
    "permalink",
    "user_json",
    "view_json",
]

_MENTION = re.compile(r"<(@U\w+|!subteam\^\w+|!here|!channel|!everyone)(?:\|[^>]*)?>")


def message_json(state: State, message: Message, *, metadata: bool = True) -> dict[str, Any]:
    """Return a message as `conversations.history` and interactions show it."""
    shown: dict[str, Any] = {
        "type": "message",
        "user": message.author,
        "ts": message.ts,
        "text": message.text,
        "team": state.workspace.team,
    }
    if message.tombstone:
        shown |= {"subtype": "tombstone", "hidden": True}
    app = state.apps.get(message.app or "")
    if app is not None:
        shown |= {
            "bot_id": app.bot_id,
            "app_id": app.id,
            "bot_profile": {
                "id": app.bot_id,
                "app_id": app.id,
                "name": app.name,
                "deleted": False,
                "team_id": state.workspace.team,
            },
        }
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.edited_ts is not None:
        shown["edited"] = {"user": message.author, "ts": message.edited_ts}
    if metadata and message.metadata:
        shown["metadata"] = message.metadata
    return shown | _thread_json(state, message)


def _thread_json(state: State, message: Message) -> dict[str, Any]:
    if message.thread_ts not in (None, message.ts):
        reply = {"thread_ts": message.thread_ts, "parent_user_id": _parent(state, message)}
        return reply | ({"subtype": "thread_broadcast"} if message.broadcast else {})
    if message.only_for is not None:
        return {}
    replies = [m for m in state.thread(message.channel, message.ts) if m is not message]
    if not replies:
        return {}
    authors = list(dict.fromkeys(reply.author for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": authors,
        "reply_users_count": len(authors),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def _parent(state: State, message: Message) -> str | None:
    parent = state.messages.get((message.channel, message.thread_ts or ""))
    return parent.author if parent else None


def view_json(state: State, view: View) -> dict[str, Any]:
    """Return a view as `views.*` and interactions show it, without the person's input."""
    app = state.apps[view.app]
    shown = {
        "id": view.id,
        "team_id": state.workspace.team,
        "app_id": app.id,
        "app_installed_team_id": state.workspace.team,
        "bot_id": app.bot_id,
        "title": None,
        "close": None,
        "submit": None,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        **view.definition,
        "state": {"values": {}},
        "hash": view.hash,
        "root_view_id": view.root,
        "previous_view_id": view.previous,
    }
    if view.definition["type"] == "home":
        for key in ("title", "close", "submit"):
            shown.pop(key)
    return shown


def user_json(state: State, user: User) -> dict[str, Any]:
    """Return a person as `users.info` shows them."""
    home = user.team in (None, state.workspace.team)
    return {
        "id": user.id,
        "team_id": user.team or state.workspace.team,
        "name": user.name,
        "deleted": user.deactivated,
        "real_name": user.real_name or user.name,
        "tz": "Etc/UTC",
        "profile": {"real_name": user.real_name or user.name, "display_name": user.name},
        "is_admin": False,
        "is_owner": False,
        "is_restricted": user.guest != "",
        "is_ultra_restricted": user.guest == "single_channel",
        "is_bot": False,
        "is_app_user": False,
        "is_stranger": not home,
    }


def bot_user_json(state: State, app: App) -> dict[str, Any]:
    """Return an app's bot as `users.info` shows it."""
    return {
        "id": app.bot_user,
        "team_id": state.workspace.team,
        "name": app.name,
        "deleted": False,
        "real_name": app.name,
        "tz": "Etc/UTC",
        "profile": {
            "real_name": app.name,
            "display_name": "",
            "bot_id": app.bot_id,
            "api_app_id": app.id,
        },
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": True,
        "is_app_user": False,
    }


def channel_json(state: State, channel: Channel, app: App) -> dict[str, Any]:
    """Return a channel as `conversations.info` shows it to that app."""
    outside = any(
        user.team not in (None, state.workspace.team) and user.id in channel.members
        for user in state.users.values()
    )
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_general": False,
        "is_member": app.bot_user in channel.members,
        "is_ext_shared": outside,
        "is_shared": outside,
        "is_org_shared": False,
        "context_team_id": state.workspace.team,
    }


def permalink(state: State, message: Message) -> str:
    """Return a message's address in Slack's form."""
    base = f"https://{state.workspace.domain}.slack.com/archives/{message.channel}"
    link = f"{base}/p{message.ts.replace('.', '')}"
    if message.thread_ts in (None, message.ts):
        return link
    return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}"


def mentions(message: dict[str, Any]) -> set[str]:
    """Return whom a message's markup pings: user ids, group ids, `here`, `channel`, `everyone`.

    Looks at the blocks' mrkdwn texts if there are blocks, else at the text, as Slack does.
    """
    texts = list(_mrkdwn(message["blocks"])) if message.get("blocks") else [message["text"]]
    found = {match for text in texts for match in _MENTION.findall(text)}
    return {mark.removeprefix("@").removeprefix("!").removeprefix("subteam^") for mark in found}


def _mrkdwn(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == "mrkdwn" else []
        return own + [text for each in value.values() for text in _mrkdwn(each)]
    if isinstance(value, list):
        return [text for each in value for text in _mrkdwn(each)]
    return []
