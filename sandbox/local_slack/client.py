"""A thin client of the local Slack's control API, `/_control/`."""

import json
import urllib.error
import urllib.request
from typing import Any

from sandbox.slack.blockkit import elements_of
from sandbox.slack.errors import PersonError
from sandbox.slack.people import action_of, find_element
from sandbox.slack.workspace import Workspace

__all__ = ["LocalSlack"]

Json = dict[str, Any]


class LocalSlack:
    """A running local Slack. Users and channels go by id or name.

    ``url`` is the page for people; ``api_url`` is what the bot gets as Slack's address, together
    with the tokens of ``workspace.apps[0]``.
    """

    def __init__(self, url: str, workspace: Workspace) -> None:
        self.url = url
        self.workspace = workspace

    @property
    def api_url(self) -> str:
        """The Web API's address, for `SLACK_API_URL`."""
        return f"{self.url}/api/"

    def command(self, user: str, channel: str, command: str, text: str = "") -> None:
        """Send a slash command; returns when the app has acknowledged it or didn't in 5 s."""
        self._ask(
            "command",
            {
                "user": self._user(user),
                "channel": self._channel(channel),
                "command": command,
                "text": text,
            },
        )

    def click(self, user: str, channel: str, ts: str, button: str) -> None:
        """Press a button that is there, by its action_id or text; raises PersonError if not."""
        message = next((m for m in self.messages(channel) if m["ts"] == ts), None)
        if message is None:
            raise PersonError(f"there is no message {ts} in {channel}")
        block, element = find_element(_with_ids(message.get("blocks", [])), button, "button", None)
        self._ask(
            "interact",
            {
                "user": self._user(user),
                "channel": self._channel(channel),
                "messageTs": ts,
                "action": action_of(block, element),
            },
        )

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Write a message."""
        message: Json = {"user": self._user(user), "channel": self._channel(channel), "text": text}
        if thread_ts is not None:
            message["thread_ts"] = thread_ts
        return dict(self._ask("message", message)["message"])

    def open_home(self, user: str) -> None:
        """Open the app's home tab."""
        self._ask("open-home", {"user": self._user(user)})

    def messages(self, channel: str) -> list[Json]:
        """Return all messages of a channel, threads and ephemeral ones included."""
        return list(self._ask(f"messages/{self._channel(channel)}")["messages"])

    def state(self) -> Json:
        """Return workspace, apps, users and channels."""
        return dict(self._ask("state"))

    def log(self) -> list[Json]:
        """Return the traffic to and from apps, in order."""
        return list(self._ask("log")["log"])

    def reset(self) -> None:
        """Forget all messages and views."""
        self._ask("reset", {})

    def _user(self, key: str) -> str:
        for user in self.workspace.users:
            if key in (user.id, user.name):
                return user.id
        raise PersonError(f"there is no user {key!r}")

    def _channel(self, key: str) -> str:
        for channel in self.workspace.channels:
            if key in (channel.id, channel.name):
                return channel.id
        raise PersonError(f"there is no channel {key!r}")

    def _ask(self, action: str, body: Json | None = None) -> Json:
        request = urllib.request.Request(  # noqa: S310  an address of our own, on loopback
            f"{self.url}/_control/{action}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  as above
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                told = error.read().decode("utf-8", "replace")
            raise PersonError(f"{action}: {told}") from error


def _with_ids(blocks: list[Json]) -> list[Json]:
    """Return blocks with the ids that the page gives to those without: by their position."""
    named = []
    for index, block in enumerate(blocks):
        named.append({"block_id": f"b{index}", **block})
        for element in elements_of(named[-1]):
            element.setdefault("action_id", "action")
    return named
