"""views.*: modals and home tabs."""

import secrets
from typing import Any

from sandbox.slack import house_rules
from sandbox.slack.arguments import Arguments
from sandbox.slack.content import with_ids
from sandbox.slack.errors import ApiError
from sandbox.slack.render import view_json
from sandbox.slack.state import State, View
from sandbox.slack.workspace import App

__all__ = ["open_view", "publish", "push", "push_view", "replace_definition", "update"]

TRIGGER_LIFETIME_S = 3.0
_DEEPEST_STACK = 3


def open_view(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Open a modal; from within a modal it comes on top, as `views.push` does."""
    return _from_trigger(state, app, arguments, from_modal=False)


def push(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Put a modal on top of the one whose button was pressed."""
    return _from_trigger(state, app, arguments, from_modal=True)


def _from_trigger(
    state: State, app: App, arguments: Arguments, *, from_modal: bool
) -> dict[str, Any]:
    arguments.only("trigger_id", "view")
    trigger_id = arguments.text("trigger_id")
    definition = arguments.view("modal")
    _check_external_id(state, app, definition, None)
    trigger = state.exchange_trigger(app, trigger_id, lifetime_s=TRIGGER_LIFETIME_S)
    if from_modal and (trigger.view is None or state.view(trigger.view) is None):
        raise ApiError("not_found")
    if trigger.view is None:
        state.modals.pop(trigger.user, None)
    view = push_view(state, app, trigger.user, definition)
    return {"view": view_json(state, view)}


def push_view(state: State, app: App, user: str, definition: dict[str, Any]) -> View:
    """Put a valid modal on a person's stack; raises ApiError where that is full."""
    stack = state.modals.setdefault(user, [])
    if len(stack) >= _DEEPEST_STACK:
        raise ApiError("push_limit_reached")
    view_id = state.new_id("V")
    view = View(
        id=view_id,
        app=app.id,
        user=user,
        definition={},
        hash="",
        root=stack[0].id if stack else view_id,
        previous=stack[-1].id if stack else None,
    )
    replace_definition(state, view, definition)
    stack.append(view)
    return view


def update(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Replace a modal's content."""
    arguments.only("view_id", "external_id", "view", "hash")
    definition = arguments.view("modal", "home")
    view = _named(state, app, arguments)
    if view.definition["type"] != definition["type"]:
        raise ApiError("invalid_arguments", messages=["/view/type: can't change"])
    _check_external_id(state, app, definition, view)
    _check_hash(arguments, view)
    replace_definition(state, view, definition)
    return {"view": view_json(state, view)}


def publish(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Set a person's home tab."""
    arguments.only("user_id", "view", "hash")
    user = arguments.text("user_id")
    definition = arguments.view("home")
    if user not in state.users:
        raise ApiError("invalid_arguments", messages=["user_id: no such user"])
    view = state.homes.get((app.id, user))
    if view is None:
        view_id = state.new_id("V")
        view = View(id=view_id, app=app.id, user=user, definition={}, hash="", root=view_id)
    else:
        _check_hash(arguments, view)
    replace_definition(state, view, definition)
    state.homes[app.id, user] = view
    return {"view": view_json(state, view)}


def replace_definition(state: State, view: View, definition: dict[str, Any]) -> None:
    """Give a view its valid content and a new hash."""
    state.breaches += house_rules.of_view(definition)
    view.definition = {**definition, "blocks": with_ids(state, definition["blocks"])}
    view.hash = f"{int(state.clock.now())}.{secrets.token_hex(4)}"
    view.errors = {}


def _named(state: State, app: App, arguments: Arguments) -> View:
    view_id, external_id = arguments.maybe("view_id"), arguments.maybe("external_id")
    if bool(view_id) == bool(external_id):
        raise ApiError("invalid_arguments", messages=["needs either view_id or external_id"])
    view = state.view(view_id) if view_id else _by_external_id(state, app, external_id or "")
    if view is None or view.app != app.id:
        raise ApiError("not_found")
    return view


def _by_external_id(state: State, app: App, external_id: str) -> View | None:
    stacks = [*state.modals.values(), list(state.homes.values())]
    views = (view for stack in stacks for view in stack)
    return next(
        (v for v in views if v.app == app.id and v.definition.get("external_id") == external_id),
        None,
    )


def _check_external_id(
    state: State, app: App, definition: dict[str, Any], itself: View | None
) -> None:
    external_id = definition.get("external_id")
    if external_id and _by_external_id(state, app, external_id) not in {None, itself}:
        raise ApiError("duplicate_external_id")


def _check_hash(arguments: Arguments, view: View) -> None:
    given = arguments.maybe("hash")
    if given and given != view.hash:
        raise ApiError("hash_conflict")
