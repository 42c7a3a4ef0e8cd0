"""The Web API methods that the stand-in has, each with its scopes and its rate.

Rates are Slack's tiers, calls a minute for an app in a workspace
(https://docs.slack.dev/apis/web-api/rate-limits). `chat.postMessage` has its own: one a second for
a channel, with a short burst.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.methods import chat, conversations, directory, views
from sandbox.slack.state import State
from sandbox.slack.workspace import App

__all__ = ["TABLE", "Method"]

Run = Callable[[State, App, Arguments], dict[str, Any]]

_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
_SPECIAL = 600  # auth.test: "hundreds of requests per minute"


@dataclass(frozen=True)
class Method:
    """One method: what it does, one scope of which is needed, and calls a minute."""

    run: Run
    per_minute: int
    scopes: tuple[str, ...] = ()
    per_channel: bool = False


_READ = ("channels:history", "groups:history")
_INFO = ("channels:read", "groups:read")
_WRITE = ("chat:write",)

TABLE: dict[str, Method] = {
    "auth.test": Method(directory.auth_test, _SPECIAL),
    "chat.delete": Method(chat.delete, _TIER_3, _WRITE),
    "chat.getPermalink": Method(chat.get_permalink, _TIER_4),
    "chat.postEphemeral": Method(chat.post_ephemeral, _TIER_4, _WRITE),
    "chat.postMessage": Method(chat.post_message, 60, _WRITE, per_channel=True),
    "chat.update": Method(chat.update, _TIER_3, _WRITE),
    "conversations.history": Method(conversations.history, _TIER_3, _READ),
    "conversations.info": Method(conversations.info, _TIER_3, _INFO),
    "conversations.replies": Method(conversations.replies, _TIER_3, _READ),
    "usergroups.list": Method(directory.usergroups_list, _TIER_2, ("usergroups:read",)),
    "usergroups.users.list": Method(directory.usergroups_users_list, _TIER_2, ("usergroups:read",)),
    "users.info": Method(directory.users_info, _TIER_4, ("users:read",)),
    "views.open": Method(views.open_view, _TIER_4),
    "views.publish": Method(views.publish, _TIER_4),
    "views.push": Method(views.push, _TIER_4),
    "views.update": Method(views.update, _TIER_4),
}
"""Methods of a bot's token. `api.test` needs none, `apps.connections.open` an app-level one."""
