"""The local Slack's configuration from a workspace; pure."""

from typing import Any

from sandbox.slack.workspace import App, Workspace

__all__ = ["config_of"]


def config_of(workspace: Workspace) -> dict[str, Any]:
    """Return the configuration file's content.

    It knows neither user groups nor guests nor other teams nor archived channels: those people and
    channels are left out, so that nobody seems to be somebody else. Raises ValueError for an app
    that could not be delivered to.
    """
    users = [
        user
        for user in workspace.users
        if user.team in {None, workspace.team} and not user.guest and not user.deactivated
    ]
    known = {user.id for user in users} | {app.bot_user for app in workspace.apps}
    return {
        "workspace": {
            "name": workspace.domain,
            "domain": workspace.domain,
            "teamId": workspace.team,
        },
        "apps": [_app(app) for app in workspace.apps],
        "users": [
            {"id": user.id, "name": user.name, "real_name": user.real_name or user.name}
            for user in users
        ],
        "channels": [
            {
                "id": channel.id,
                "name": channel.name,
                "is_private": channel.private,
                "members": sorted(channel.members & known),
            }
            for channel in workspace.channels
            if not channel.archived
        ],
    }


def _app(app: App) -> dict[str, Any]:
    settings = {
        "appId": app.id,
        "botUserId": app.bot_user,
        "botName": app.name,
        "botToken": app.bot_token,
        "appToken": app.app_token,
        "signingSecret": app.signing_secret,
        "mode": "socket" if app.socket_mode else "events",
    }
    if app.socket_mode:
        return settings
    if app.request_url is None:
        raise ValueError(f"the app {app.name} needs socket_mode or a request_url")
    return settings | {"requestUrl": app.request_url}
