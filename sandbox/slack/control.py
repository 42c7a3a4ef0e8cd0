"""The sandbox's own endpoints, `/_sandbox/<action>`: people's actions, and looking behind.

A POST with a JSON object of arguments (a GET with a query where all of them are texts) gives the
result as JSON. What a person can't do is a 400 with an `error`.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.slack.deliveries import Courier
from sandbox.slack.errors import PersonError
from sandbox.slack.faults import Fault, Faults
from sandbox.slack.modals import Modals
from sandbox.slack.people import People
from sandbox.slack.ratelimits import RateLimits
from sandbox.slack.render import mentions
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import State
from sandbox.slack.workspace import App

__all__ = ["Control"]


class Control:
    """Dispatches the endpoints to what does them."""

    def __init__(
        self,
        state: State,
        people: People,
        modals: Modals,
        courier: Courier,
        faults: Faults,
        limits: RateLimits,
        sockets: SocketMode,
    ) -> None:
        self._state = state
        self._courier = courier
        self._faults = faults
        self._limits = limits
        self._sockets = sockets
        self._actions: Mapping[str, Callable[..., Any]] = {
            "advance": self.advance,
            "calls": self.calls,
            "choose": people.choose,
            "clear_faults": faults.clear,
            "click": people.click,
            "click_forged": people.click_forged,
            "click_stale": people.click_stale,
            "configure": self.configure,
            "connections": self.connections,
            "deliveries": self.deliveries,
            "ephemerals": people.ephemerals,
            "event": people.event,
            "fault": self.fault,
            "home": modals.home,
            "home/open": modals.open_home,
            "members": self.members,
            "mentions": self.mentions,
            "messages": people.messages,
            "modals": modals.open,
            "modals/choose": modals.choose,
            "modals/click": modals.click,
            "modals/close": modals.close,
            "modals/submit": modals.submit,
            "modals/suggest": modals.suggest,
            "rate_limits": self.rate_limits,
            "redeliver": courier.again,
            "refresh": self.refresh,
            "say": people.say,
            "slash": people.slash,
            "thread": people.thread,
            "workspace": self.workspace,
        }

    async def endpoint(self, request: Request) -> Response:
        """Answer one control request."""
        action = self._actions.get(request.path_params["action"])
        if action is None:
            known = ", ".join(sorted(self._actions))
            return _refused(f"there is no such action; there are {known}", 404)
        try:
            arguments = await _arguments(request)
            inspect.signature(action).bind(**arguments)
            result = action(**arguments)
            if inspect.isawaitable(result):
                result = await result
        except (PersonError, ValidationError, TypeError, ValueError) as error:
            return _refused(str(error), 400)
        return JSONResponse({"ok": True, "result": _plain(result)})

    def advance(self, seconds: float) -> float:
        """Move the clock on and return its time."""
        self._state.clock.advance(seconds)
        return self._state.clock.now()

    def calls(self, method: str | None = None) -> list[dict[str, Any]]:
        """Return the log of Web API calls, of one method if one is named."""
        return [call for call in self._state.calls if method in {None, call["method"]}]

    def deliveries(self) -> list[Any]:
        """Return everything that was sent to apps."""
        return list(self._courier.done.values())

    def configure(
        self,
        app: str | None = None,
        request_url: str | None = None,
        options_url: str | None = None,
        socket_mode: bool | None = None,  # noqa: FBT001  arguments come by name, from JSON
        scopes: list[str] | None = None,
    ) -> App:
        """Change an app's settings; what isn't named stays."""
        settings = {
            "request_url": request_url,
            "options_url": options_url,
            "socket_mode": socket_mode,
            "scopes": scopes,
        }
        named = {key: value for key, value in settings.items() if value is not None}
        before = self._state.app(app)
        after = App.model_validate(before.model_dump() | named)
        self._state.apps[after.id] = after
        return after

    def connections(self, app: str | None = None) -> list[dict[str, int]]:
        """Return the app's Socket Mode connections."""
        return self._sockets.connections(self._state.app(app).id)

    async def refresh(self, app: str | None = None, how: Literal["ask", "drop"] = "ask") -> int:
        """Ask the app's connections to reconnect, or drop them."""
        return await self._sockets.refresh(self._state.app(app).id, drop=how == "drop")

    def fault(self, **fault: Any) -> None:
        """Script a fault."""
        self._faults.add(Fault.model_validate(fault))

    def members(self, group: str, users: list[str]) -> None:
        """Change who is in a user group."""
        before = self._state.group(group)
        ids = tuple(self._state.user(user).id for user in users)
        self._state.groups[before.id] = before.model_copy(update={"members": ids})

    def mentions(self, channel: str, ts: str) -> list[str]:
        """Return whom a message pings."""
        from_channel = self._state.channel(channel).id
        message = self._state.messages.get((from_channel, ts))
        if message is None:
            raise PersonError(f"there is no message {ts}")
        return sorted(mentions({"text": message.text, "blocks": message.blocks}))

    def rate_limits(self, enabled: bool) -> None:  # noqa: FBT001  it comes by name, from JSON
        """Switch the rate limits on or off."""
        self._limits.enabled = enabled

    def workspace(self) -> dict[str, Any]:
        """Return the workspace as it is now, tokens of the stand-in included."""
        return self._state.workspace.model_copy(
            update={
                "apps": tuple(self._state.apps.values()),
                "groups": tuple(self._state.groups.values()),
            }
        ).model_dump(mode="json")


async def _arguments(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not body:
        return dict(request.query_params)
    values = json.loads(body)
    if not isinstance(values, dict):
        raise PersonError("the arguments must be a JSON object")
    return values


def _plain(result: Any) -> Any:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    if isinstance(result, list):
        return [_plain(each) for each in result]
    return result


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"ok": False, "error": why}, status_code=status)
