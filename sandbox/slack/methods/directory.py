"""Who is who: api.test, auth.test, users.info, usergroups.*."""

from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import ApiError
from sandbox.slack.render import bot_user_json, user_json
from sandbox.slack.state import State
from sandbox.slack.workspace import App, Group

__all__ = ["api_test", "auth_test", "usergroups_list", "usergroups_users_list", "users_info"]


def api_test(_: State, __: App | None, arguments: Arguments) -> dict[str, Any]:
    """Answer with what was sent; the argument ``error`` makes it that error."""
    error = arguments.maybe("error")
    if error:
        raise ApiError(error, args=arguments.values)
    return {"args": arguments.values}


def auth_test(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Say whose token it is."""
    arguments.only()
    return {
        "url": f"https://{state.workspace.domain}.slack.com/",
        "team": state.workspace.domain,
        "user": app.name,
        "team_id": state.workspace.team,
        "user_id": app.bot_user,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def users_info(state: State, _: App, arguments: Arguments) -> dict[str, Any]:
    """Describe a person or a bot."""
    arguments.only("user", "include_locale")
    key = arguments.text("user", missing="user_not_found")
    user = state.users.get(key)
    if user is not None:
        return {"user": user_json(state, user)}
    for app in state.apps.values():
        if key == app.bot_user:
            return {"user": bot_user_json(state, app)}
    raise ApiError("user_not_found")


def usergroups_list(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """List the user groups."""
    arguments.only("include_count", "include_disabled", "include_users")
    shown = []
    for group in state.groups.values():
        if group.disabled and not arguments.flag("include_disabled"):
            continue
        entry = _group_json(state, group, app)
        if arguments.flag("include_users"):
            entry["users"] = list(group.members)
        if arguments.flag("include_count"):
            entry["user_count"] = len(group.members)
        shown.append(entry)
    return {"usergroups": shown}


def usergroups_users_list(state: State, _: App, arguments: Arguments) -> dict[str, Any]:
    """List the members of a user group."""
    arguments.only("usergroup", "include_disabled")
    group = state.groups.get(arguments.text("usergroup", missing="no_such_subteam"))
    if group is None or (group.disabled and not arguments.flag("include_disabled")):
        raise ApiError("no_such_subteam")
    return {"users": list(group.members)}


def _group_json(state: State, group: Group, app: App) -> dict[str, Any]:
    return {
        "id": group.id,
        "team_id": state.workspace.team,
        "is_usergroup": True,
        "name": group.handle,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_delete": 1 if group.disabled else 0,
        "auto_type": None,
        "created_by": app.bot_user,
    }
