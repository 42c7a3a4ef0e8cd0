"""Which channel a call is about, and whether the bot may see it or write to it."""

from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import ApiError
from sandbox.slack.state import State
from sandbox.slack.workspace import App, Channel

__all__ = ["member_channel", "require_scope", "visible_channel", "writable_channel"]


def visible_channel(state: State, app: App, arguments: Arguments) -> Channel:
    """Return the channel that the call names by its id; a private one only to its members."""
    channel = state.channels.get(arguments.text("channel", missing="channel_not_found"))
    if channel is None or (channel.private and app.bot_user not in channel.members):
        raise ApiError("channel_not_found")
    return channel


def member_channel(state: State, app: App, arguments: Arguments) -> Channel:
    """Return the channel, in which the bot has to be."""
    channel = visible_channel(state, app, arguments)
    if app.bot_user not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def writable_channel(state: State, app: App, arguments: Arguments) -> Channel:
    """Return the channel, to which the bot may post."""
    channel = visible_channel(state, app, arguments)
    if channel.archived:
        raise ApiError("is_archived")
    if app.bot_user not in channel.members and "chat:write.public" not in app.scopes:
        raise ApiError("not_in_channel")
    return channel


def require_scope(app: App, channel: Channel, right: str) -> None:
    """Refuse an app that may not do that (`read`, `history`) in this kind of channel."""
    needed = f"{'groups' if channel.private else 'channels'}:{right}"
    if needed not in app.scopes:
        raise ApiError("missing_scope", needed=needed, provided=",".join(sorted(app.scopes)))
