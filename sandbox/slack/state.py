"""Everything the stand-in remembers. Only the server's event loop touches it."""

import itertools
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.clock import Clock
from sandbox.slack.errors import ApiError, PersonError
from sandbox.slack.workspace import App, Channel, Group, User, Workspace

__all__ = ["Message", "ResponseUrl", "State", "Trigger", "View"]

_CALLS_KEPT = 100_000


@dataclass(eq=False)
class Message:
    """A message as stored; an ephemeral one has the one person who sees it.

    A deleted one that has replies stays as a tombstone, as in Slack.
    """

    channel: str
    ts: str
    author: str
    app: str | None
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: dict[str, Any] | None = None
    edited_ts: str | None = None
    only_for: str | None = None
    tombstone: bool = False

    @property
    def top_level(self) -> bool:
        """Whether it is shown in the channel itself."""
        return self.thread_ts in {None, self.ts} or self.broadcast


@dataclass(eq=False)
class View:
    """A modal or a home tab; ``user`` is who sees it."""

    id: str
    app: str
    user: str
    definition: dict[str, Any]
    hash: str
    root: str
    previous: str | None = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class Trigger:
    """A trigger id: who caused it for which app, and from which modal if from one."""

    app: str
    user: str
    issued: float
    view: str | None
    exchanged: bool = False


@dataclass
class ResponseUrl:
    """Where an app may answer a command or a press, a few times and not for long."""

    app: str
    user: str
    channel: str
    issued: float
    source_ts: str | None
    thread_ts: str | None = None
    uses: int = 0


class State:
    """The workspace with what has happened in it."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self.workspace = workspace
        self.clock = clock
        self.users = {user.id: user for user in workspace.users}
        self.channels = {channel.id: channel for channel in workspace.channels}
        self.groups = {group.id: group for group in workspace.groups}
        self.apps = {app.id: app for app in workspace.apps}
        self.messages: dict[tuple[str, str], Message] = {}
        self.ephemerals: dict[tuple[str, str], Message] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[tuple[str, str], View] = {}
        self.offered: dict[tuple[str, str], list[dict[str, Any]]] = {}  # by view and action_id
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.calls: deque[dict[str, Any]] = deque(maxlen=_CALLS_KEPT)
        self.breaches: list[str] = []  # of the house rules
        self._numbers = itertools.count(1)
        self._last_micros = 0

    # Ids and times

    def next_number(self) -> int:
        """Return a number that was not given out before."""
        return next(self._numbers)

    def new_id(self, prefix: str) -> str:
        """Return an id in Slack's form that was not given out before."""
        return f"{prefix}{self.next_number():010X}"

    def new_ts(self) -> str:
        """Return a message's timestamp: later than any before it, also within a microsecond."""
        micros = max(int(self.clock.now() * 1_000_000), self._last_micros + 1)
        self._last_micros = micros
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def new_trigger(self, app: App, user: User, view: str | None = None) -> str:
        """Issue a trigger id: one use, within three seconds."""
        trigger = f"{self.next_number()}.{self.next_number()}.{secrets.token_hex(16)}"
        self.triggers[trigger] = Trigger(app.id, user.id, self.clock.now(), view)
        return trigger

    def exchange_trigger(self, app: App, trigger_id: str, *, lifetime_s: float) -> Trigger:
        """Use a trigger id up, or raise the API error that says why it isn't good."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None or trigger.app != app.id:
            raise ApiError("invalid_trigger_id")
        if trigger.exchanged:
            raise ApiError("exchanged_trigger_id")
        if self.clock.now() - trigger.issued > lifetime_s:
            raise ApiError("expired_trigger_id")
        trigger.exchanged = True
        return trigger

    # Looking things up

    def user(self, key: str) -> User:
        """Return the person of that id or name, or raise PersonError."""
        for user in self.users.values():
            if key in (user.id, user.name):
                return user
        raise PersonError(f"there is no user {key!r}; there are {_names(self.users.values())}")

    def channel(self, key: str) -> Channel:
        """Return the channel of that id or name, or raise PersonError."""
        for channel in self.channels.values():
            if key in (channel.id, channel.name):
                return channel
        raise PersonError(
            f"there is no channel {key!r}; there are {_names(self.channels.values())}"
        )

    def app(self, key: str | None = None) -> App:
        """Return the app of that id or name (the first if none is named), or raise PersonError."""
        for app in self.apps.values():
            if key in (None, app.id, app.name):
                return app
        raise PersonError(f"there is no app {key!r}; there are {_names(self.apps.values())}")

    def group(self, key: str) -> Group:
        """Return the user group of that id or handle, or raise PersonError."""
        for group in self.groups.values():
            if key in (group.id, group.handle):
                return group
        raise PersonError(f"there is no user group {key!r}")

    def author_name(self, user_id: str) -> str:
        """Return the name of a person or of an app's bot."""
        bots = {app.bot_user: app.name for app in self.apps.values()}
        user = self.users.get(user_id)
        return user.name if user else bots.get(user_id, user_id)

    def in_channel(self, channel: str) -> Iterator[Message]:
        """Yield the channel's messages, oldest first."""
        return (m for (where, _), m in self.messages.items() if where == channel)

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a message with its replies, oldest first; none if it isn't there."""
        return [m for m in self.in_channel(channel) if ts in {m.ts, m.thread_ts}]

    def view(self, view_id: str) -> View | None:
        """Return an open modal or a home tab."""
        stacks = [*self.modals.values(), list(self.homes.values())]
        return next((v for stack in stacks for v in stack if v.id == view_id), None)


def _names(values: Any) -> str:
    return ", ".join(sorted(value.name for value in values)) or "none"
