"""Modals and home tabs as people use them: read, press, fill in, send off, close."""

from typing import Any

from sandbox.slack.blockkit import problems
from sandbox.slack.deliveries import Courier, Delivery
from sandbox.slack.errors import ApiError, PersonError
from sandbox.slack.forms import choice_of, missing_inputs, state_values
from sandbox.slack.methods.views import push_view, replace_definition
from sandbox.slack.payloads import block_actions_in_view, view_closed, view_submission
from sandbox.slack.people import People, action_of, find_element
from sandbox.slack.render import view_json
from sandbox.slack.selects import Selects, with_offered
from sandbox.slack.state import State, View
from sandbox.slack.workspace import App

__all__ = ["Modals"]

_NOT_TAKEN = "We had some trouble connecting. Try again?"


class Modals:
    """The views of people. Unless one is named, the person's topmost modal is meant."""

    def __init__(self, state: State, courier: Courier, people: People) -> None:
        self._state = state
        self._courier = courier
        self._people = people
        self._selects = Selects(state, courier)

    def open(self, user: str) -> list[dict[str, Any]]:
        """Return a person's open modals, topmost last, each with the errors that it shows."""
        stack = self._state.modals.get(self._state.user(user).id, [])
        return [view_json(self._state, view) | {"errors": view.errors} for view in stack]

    def home(self, user: str, app: str | None = None) -> dict[str, Any] | None:
        """Return what an app shows in a person's home tab, or None."""
        view = self._state.homes.get((self._state.app(app).id, self._state.user(user).id))
        return None if view is None else view_json(self._state, view)

    async def open_home(self, user: str, app: str | None = None) -> Delivery | None:
        """Look at the home tab; an app that subscribed to `app_home_opened` gets the event."""
        to, person = self._state.app(app), self._people.person(user)
        if "app_home_opened" not in to.events:
            return None
        event: dict[str, Any] = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": f"D{person.id[1:]}",
            "tab": "home",
            "event_ts": self._state.new_ts(),
        }
        view = self._state.homes.get((to.id, person.id))
        if view is not None:
            event["view"] = view_json(self._state, view)
        return await self._people.event(to.id, event)

    async def click(
        self,
        user: str,
        button: str,
        view_id: str | None = None,
        values: dict[str, Any] | None = None,
    ) -> Delivery:
        """Press a button in a modal or a home tab; ``values`` is what was filled in by then."""
        view = self._view(user, view_id)
        block, element = find_element(view.definition["blocks"], button, "button", None)
        return await self._act(view, action_of(block, element), values or {})

    async def choose(
        self, user: str, element: str, value: Any, view_id: str | None = None
    ) -> Delivery:
        """Choose in an element that reports each choice at once."""
        view = self._view(user, view_id)
        block, found = find_element(with_offered(self._state, view), element, None, None)
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise PersonError(f"{element} reports nothing before the modal is sent off")
        return await self._act(view, action_of(block, found) | choice_of(found, value), {})

    async def suggest(
        self, user: str, element: str, typed: str = "", view_id: str | None = None
    ) -> Delivery:
        """Open an external select, or type into it: the app is asked for options."""
        view = self._view(user, view_id)
        return await self._selects.suggest(self._people.person(user), view, element, typed)

    async def submit(
        self,
        user: str,
        values: dict[str, Any] | None = None,
        view_id: str | None = None,
    ) -> Delivery:
        """Fill in and send off; raises PersonError where Slack's window wouldn't send it."""
        view = self._view(user, view_id)
        blocks = with_offered(self._state, view)
        given = values or {}
        if view.definition["type"] != "modal" or view.definition.get("submit") is None:
            raise PersonError("this view has nothing to send off")
        missing = missing_inputs(blocks, state_values(blocks, given))
        if missing:
            raise PersonError(f"{', '.join(missing)}: complete this required field")
        person = self._people.person(user)
        app = self._app(view)
        view.errors = {}
        payload = view_submission(self._state, app, person, view, given, blocks)
        delivery = await self._courier.deliver(app, "interactive", payload)
        problem = self._answered(app, view, delivery) if delivery.acknowledged else _NOT_TAKEN
        return delivery if problem is None else delivery.model_copy(update={"shown": problem})

    async def close(
        self, user: str, view_id: str | None = None, *, all_of_them: bool = False
    ) -> Delivery | None:
        """Close a modal (or the whole stack, by its cross); apps that asked for it are told."""
        view = self._view(user, view_id)
        stack = self._state.modals.get(view.user, [])
        if view not in stack:
            raise PersonError("a home tab can't be closed")
        cleared = all_of_them or bool(view.definition.get("clear_on_close"))
        if cleared:
            stack.clear()
        else:
            del stack[stack.index(view) :]
        if not view.definition.get("notify_on_close"):
            return None
        app, person = self._app(view), self._people.person(user)
        payload = view_closed(self._state, app, person, view, cleared=cleared)
        return await self._courier.deliver(app, "interactive", payload)

    def _view(self, user: str, view_id: str | None) -> View:
        person = self._people.person(user)
        if view_id is None:
            stack = self._state.modals.get(person.id)
            if not stack:
                raise PersonError(f"{person.name} has no modal open")
            return stack[-1]
        view = self._state.view(view_id)
        if view is None or view.user != person.id:
            raise PersonError(f"{person.name} has no view {view_id}")
        return view

    def _app(self, view: View) -> App:
        return self._state.apps[view.app]

    async def _act(self, view: View, action: dict[str, Any], values: dict[str, Any]) -> Delivery:
        app, person = self._app(view), self._people.person(view.user)
        blocks = with_offered(self._state, view)
        payload = block_actions_in_view(self._state, app, person, view, action, values, blocks)
        return await self._courier.deliver(app, "interactive", payload)

    def _answered(self, app: App, view: View, delivery: Delivery) -> str | None:
        """Do what the app answered to a submission; return what is wrong with it, if anything."""
        stack = self._state.modals.get(view.user, [])
        if view not in stack:
            return None  # closed while the app was thinking
        if not delivery.body:
            stack.remove(view)
            return None
        answer = delivery.body if isinstance(delivery.body, dict) else {}
        match answer.get("response_action"):
            case "clear":
                stack.clear()
            case "errors":
                return _show_errors(view, answer.get("errors"))
            case "update" | "push" as action:
                return self._show_view(app, view, action, answer.get("view"))
            case _:
                return _NOT_TAKEN
        return None

    def _show_view(self, app: App, view: View, action: str, definition: Any) -> str | None:
        found = problems(definition)
        if found or definition["type"] != "modal":
            return f"{_NOT_TAKEN} {'; '.join(found)}"
        if action == "update":
            replace_definition(self._state, view, definition)
            return None
        try:
            push_view(self._state, app, view.user, definition)
        except ApiError as error:
            return f"{_NOT_TAKEN} {error.code}"
        return None


def _show_errors(view: View, errors: Any) -> str | None:
    inputs = {b["block_id"] for b in view.definition["blocks"] if b["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        return f"{_NOT_TAKEN} errors name inputs by block_id: {', '.join(sorted(inputs))}"
    view.errors = errors
    return None
