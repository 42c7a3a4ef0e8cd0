"""What a workspace consists of before anything happens in it: a frozen, declarative value.

Names are unique within their kind, so that a person in a test is `ana` and a channel `ops`; every
person's action takes either the id or the name.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["App", "Channel", "Group", "User", "Workspace", "demo_workspace"]

# Those of manifests/slack-app.yaml: what the bot would lack in a real workspace it lacks here.
BOT_SCOPES = (
    "channels:history",
    "chat:write",
    "commands",
    "groups:history",
    "usergroups:read",
    "users:read",
)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class User(_Value):
    """A person. ``team`` is another workspace's id for somebody who comes by Slack Connect."""

    id: str
    name: str
    real_name: str = ""
    team: str | None = None
    guest: Literal["", "multi_channel", "single_channel"] = ""
    deactivated: bool = False


class Channel(_Value):
    """A channel with the ids of its members, people and bots alike."""

    id: str
    name: str
    members: frozenset[str] = frozenset()
    private: bool = False
    archived: bool = False


class Group(_Value):
    """A user group, `@handle`, with its members' ids."""

    id: str
    handle: str
    members: tuple[str, ...] = ()
    disabled: bool = False


class App(_Value):
    """An app with its bot. ``socket_mode`` turns its HTTP URLs off, as in Slack.

    ``options_url`` is where external selects ask for their options.
    """

    id: str = "A0DRAINBOT"
    name: str = "drainbot"
    bot_id: str = "B0DRAINBOT"
    bot_user: str = "U0DRAINBOT"
    bot_token: str = "xoxb-sandbox-drainbot"  # noqa: S105  opens the stand-in only
    app_token: str = "xapp-sandbox-drainbot"  # noqa: S105  opens the stand-in only
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105  signs for the stand-in only
    scopes: frozenset[str] = frozenset(BOT_SCOPES)
    commands: frozenset[str] = frozenset({"/drain"})
    events: frozenset[str] = frozenset({"app_home_opened"})
    request_url: str | None = None
    options_url: str | None = None
    socket_mode: bool = False


class Workspace(_Value):
    """One workspace. Raises a validation error where an id or a name is there twice."""

    team: str = "T0SANDBOX"
    domain: str = "sandbox"
    users: tuple[User, ...] = ()
    channels: tuple[Channel, ...] = ()
    groups: tuple[Group, ...] = ()
    apps: tuple[App, ...] = Field(default=(App(),), min_length=1)

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        for kind, keys in {
            "user": [key for user in self.users for key in (user.id, user.name)],
            "channel": [key for channel in self.channels for key in (channel.id, channel.name)],
            "group": [key for group in self.groups for key in (group.id, group.handle)],
            "app": [key for app in self.apps for key in (app.id, app.name)],
            "token": [key for app in self.apps for key in (app.bot_token, app.app_token)],
        }.items():
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise ValueError(f"{kind} {', '.join(twice)} is there twice")
        return self


def demo_workspace() -> Workspace:
    """Return the workspace of the demo: Ana asks, Bo and Cy are on call, Gus is a guest."""
    bot = "U0DRAINBOT"
    return Workspace(
        users=(
            User(id="U0ANA", name="ana", real_name="Ana"),
            User(id="U0BO", name="bo", real_name="Bo"),
            User(id="U0CY", name="cy", real_name="Cy"),
            User(id="U0GUS", name="gus", real_name="Gus", guest="single_channel"),
            User(id="U0EVE", name="eve", real_name="Eve", team="T0ELSEWHERE"),
        ),
        channels=(
            Channel(
                id="C0OPS",
                name="ops",
                members=frozenset({bot, "U0ANA", "U0BO", "U0CY", "U0GUS", "U0EVE"}),
            ),
            Channel(id="C0GENERAL", name="general", members=frozenset({"U0ANA", "U0BO"})),
            Channel(id="C0SECRET", name="secret", members=frozenset({bot, "U0BO"}), private=True),
            Channel(id="C0OLD", name="old", members=frozenset({bot, "U0ANA"}), archived=True),
        ),
        groups=(Group(id="S0ONCALL", handle="sre-oncall", members=("U0BO", "U0CY")),),
    )
