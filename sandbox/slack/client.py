"""People's actions and looks behind, for tests and the demo: a client of `/_sandbox/`."""

import json
import urllib.error
import urllib.request
from typing import Any, Literal

from sandbox.slack.deliveries import Delivery, Forgery
from sandbox.slack.errors import PersonError
from sandbox.slack.faults import Fault
from sandbox.slack.workspace import App, Workspace

__all__ = ["Slack"]

Json = dict[str, Any]


class Slack:
    """A running stand-in. Users, channels and apps go by id or name.

    Every method raises :class:`PersonError` for what can't be done in Slack's window, such as
    pressing a button that isn't there.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def api_url(self) -> str:
        """The Web API's address, for `WebClient(base_url=...)` and `SLACK_API_URL`."""
        return f"{self.url}/api/"

    # What people do

    def slash(
        self,
        user: str,
        channel: str,
        command: str,
        text: str = "",
        *,
        forgery: Forgery | None = None,
    ) -> Delivery:
        """Send a slash command."""
        return self._deliver("slash", locals())

    def click(
        self,
        user: str,
        channel: str,
        ts: str,
        button: str,
        *,
        block_id: str | None = None,
        forgery: Forgery | None = None,
    ) -> Delivery:
        """Press a button of a message, by its action_id or its text."""
        return self._deliver("click", locals())

    def choose(self, user: str, channel: str, ts: str, element: str, value: Any) -> Delivery:
        """Choose in a select, a menu, radio buttons, checkboxes or a picker of a message."""
        return self._deliver("choose", locals())

    def click_stale(self, user: str, message: Json, channel: str, button: str) -> Delivery:
        """Press a button in a copy of a message that was read earlier."""
        return self._deliver("click_stale", locals())

    def click_forged(self, user: str, channel: str, ts: str, action: Json) -> Delivery:
        """Send a press of a button that never was, with a good signature."""
        return self._deliver("click_forged", locals())

    def say(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> list[Delivery]:
        """Write a message; the events that apps got of it are returned."""
        return [Delivery.model_validate(each) for each in self._ask("say", locals())]

    def event(self, app: str, event: Json) -> Delivery:
        """Deliver any event of the Events API."""
        return self._deliver("event", locals())

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Send a delivery once more; an event says that it is a retry."""
        return self._deliver("redeliver", {"number": delivery.id})

    def submit(self, user: str, values: Json | None = None, view_id: str | None = None) -> Delivery:
        """Fill in the topmost modal, by action_id or block_id, and send it off."""
        return self._deliver("modals/submit", locals())

    def close(
        self, user: str, view_id: str | None = None, *, all_of_them: bool = False
    ) -> Delivery | None:
        """Close the topmost modal; the app is told if it asked for that."""
        result = self._ask("modals/close", locals())
        return None if result is None else Delivery.model_validate(result)

    def click_in_view(
        self, user: str, button: str, view_id: str | None = None, values: Json | None = None
    ) -> Delivery:
        """Press a button in the topmost modal, or in the view (or home tab) that is named."""
        return self._deliver("modals/click", locals())

    def choose_in_view(
        self, user: str, element: str, value: Any, view_id: str | None = None
    ) -> Delivery:
        """Choose in an element of a view that reports each choice at once."""
        return self._deliver("modals/choose", locals())

    def suggest(
        self, user: str, element: str, typed: str = "", view_id: str | None = None
    ) -> Delivery:
        """Open an external select of the topmost modal, or type into it."""
        return self._deliver("modals/suggest", locals())

    def open_home(self, user: str, app: str | None = None) -> Delivery | None:
        """Look at the home tab; the app gets the event if it subscribed to it."""
        result = self._ask("home/open", locals())
        return None if result is None else Delivery.model_validate(result)

    # What people see

    def messages(self, channel: str, user: str | None = None) -> list[Json]:
        """Return a channel's own messages, oldest first."""
        return list(self._ask("messages", locals()))

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a message with its replies, oldest first."""
        return list(self._ask("thread", locals()))

    def ephemerals(self, user: str) -> list[Json]:
        """Return what only this person sees, oldest first."""
        return list(self._ask("ephemerals", locals()))

    def modals(self, user: str) -> list[Json]:
        """Return a person's open modals, topmost last."""
        return list(self._ask("modals", locals()))

    def home(self, user: str, app: str | None = None) -> Json | None:
        """Return a person's home tab of an app."""
        result = self._ask("home", locals())
        return None if result is None else dict(result)

    def mentions(self, channel: str, ts: str) -> set[str]:
        """Return whom a message pings: user ids, group ids, `here`, `channel`, `everyone`."""
        return set(self._ask("mentions", locals()))

    # Behind the window

    def configure(
        self,
        app: str | None = None,
        *,
        request_url: str | None = None,
        options_url: str | None = None,
        socket_mode: bool | None = None,
        scopes: list[str] | None = None,
    ) -> App:
        """Change an app's settings; what isn't named stays."""
        return App.model_validate(self._ask("configure", locals()))

    def workspace(self) -> Workspace:
        """Return the workspace with its apps' tokens, as it is now."""
        return Workspace.model_validate(self._ask("workspace", {}))

    def set_members(self, group: str, users: list[str]) -> None:
        """Change who is in a user group."""
        self._ask("members", {"group": group, "users": users})

    def calls(self, method: str | None = None) -> list[Json]:
        """Return the log of Web API calls: method, arguments, at, ms, status, answer, fault."""
        return list(self._ask("calls", locals()))

    def deliveries(self) -> list[Delivery]:
        """Return everything that was sent to apps."""
        return [Delivery.model_validate(each) for each in self._ask("deliveries", {})]

    def fault(self, fault: Fault) -> None:
        """Let the next calls of a method go wrong."""
        self._ask("fault", fault.model_dump())

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        self._ask("clear_faults", {})

    def advance(self, seconds: float) -> float:
        """Move the stand-in's clock on and return its time."""
        return float(self._ask("advance", {"seconds": seconds}))

    def set_rate_limits(self, *, enabled: bool) -> None:
        """Switch the rate limits on or off."""
        self._ask("rate_limits", {"enabled": enabled})

    def connections(self, app: str | None = None) -> list[dict[str, int]]:
        """Return the app's Socket Mode connections: received, acknowledged, waiting."""
        return list(self._ask("connections", locals()))

    def refresh(self, app: str | None = None, how: Literal["ask", "drop"] = "ask") -> int:
        """Ask the app's connections to reconnect, or drop them; return how many."""
        return int(self._ask("refresh", locals()))

    def _deliver(self, action: str, arguments: Json) -> Delivery:
        return Delivery.model_validate(self._ask(action, arguments))

    def _ask(self, action: str, arguments: Json) -> Any:
        given = {k: v for k, v in arguments.items() if k != "self" and v is not None}
        request = urllib.request.Request(  # noqa: S310  an address of our own, on loopback
            f"{self.url}/_sandbox/{action}",
            data=json.dumps(given).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  as above
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            with error:
                told = error.read().decode()
            try:
                told = json.loads(told)["error"]
            except (ValueError, KeyError):
                told = f"{action}: HTTP {error.code}: {told}"
            raise PersonError(told) from error
