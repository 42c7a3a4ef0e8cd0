"""chat.*: messages of an app's bot."""

from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.content import message_content
from sandbox.slack.errors import ApiError
from sandbox.slack.methods.access import visible_channel, writable_channel
from sandbox.slack.render import message_json, permalink
from sandbox.slack.state import Message, State
from sandbox.slack.workspace import App

__all__ = ["delete", "get_permalink", "post_ephemeral", "post_message", "update"]

_LONGEST_UPDATE = 4_000  # Slack: "The `text` field cannot exceed 4,000 characters"
_FORMATTING = ("link_names", "mrkdwn", "parse", "unfurl_links", "unfurl_media")


def post_message(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Post a message to a channel or a thread."""
    arguments.only(
        "channel", "text", "blocks", "thread_ts", "reply_broadcast", "metadata", *_FORMATTING
    )
    channel = writable_channel(state, app, arguments)
    text, blocks = message_content(state, arguments)
    thread_ts = _thread(state, channel.id, arguments)
    broadcast = arguments.flag("reply_broadcast")
    if broadcast and thread_ts is None:
        raise ApiError("invalid_arguments", messages=["reply_broadcast: needs thread_ts"])
    message = Message(
        channel=channel.id,
        ts=state.new_ts(),
        author=app.bot_user,
        app=app.id,
        text=text,
        blocks=blocks,
        thread_ts=thread_ts,
        broadcast=broadcast,
        metadata=arguments.metadata() or None,
    )
    state.messages[channel.id, message.ts] = message
    return {"channel": channel.id, "ts": message.ts, "message": message_json(state, message)}


def post_ephemeral(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Show a message to one person."""
    arguments.only("channel", "user", "text", "blocks", "thread_ts", *_FORMATTING)
    channel = writable_channel(state, app, arguments)
    user = arguments.text("user")
    text, blocks = message_content(state, arguments)
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    message = Message(
        channel=channel.id,
        ts=state.new_ts(),
        author=app.bot_user,
        app=app.id,
        text=text,
        blocks=blocks,
        thread_ts=_thread(state, channel.id, arguments),
        only_for=user,
    )
    state.ephemerals[channel.id, message.ts] = message
    return {"message_ts": message.ts}


def update(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Replace a message's content. Without ``blocks`` it has none afterwards."""
    arguments.only("channel", "ts", "text", "blocks", "metadata", "link_names", "parse")
    message = _own(state, app, arguments, "cant_update_message")
    if state.channels[message.channel].archived:
        raise ApiError("is_inactive")
    text, blocks = message_content(state, arguments, longest=_LONGEST_UPDATE)
    metadata = arguments.metadata()
    message.text = text
    message.blocks = blocks
    message.edited_ts = state.new_ts()
    if metadata is not None:
        message.metadata = metadata or None
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": text,
        "message": message_json(state, message),
    }


def delete(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Delete a message of the bot's own."""
    arguments.only("channel", "ts")
    message = _own(state, app, arguments, "cant_delete_message")
    remove(state, message)
    return {"channel": message.channel, "ts": message.ts}


def remove(state: State, message: Message) -> None:
    """Take a message away; one with replies leaves a tombstone."""
    if message.only_for is not None:
        state.ephemerals.pop((message.channel, message.ts), None)
    elif len(state.thread(message.channel, message.ts)) > 1:
        message.text, message.blocks, message.metadata = "This message was deleted.", [], None
        message.author, message.app, message.tombstone = "USLACKBOT", None, True
    else:
        state.messages.pop((message.channel, message.ts), None)


def get_permalink(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Return a message's address."""
    arguments.only("channel", "message_ts")
    channel = visible_channel(state, app, arguments)
    message = state.messages.get((channel.id, arguments.text("message_ts")))
    if message is None:
        raise ApiError("message_not_found")
    return {"channel": channel.id, "permalink": permalink(state, message)}


def _own(state: State, app: App, arguments: Arguments, refused: str) -> Message:
    channel = visible_channel(state, app, arguments)
    message = state.messages.get((channel.id, arguments.text("ts", missing="message_not_found")))
    if message is None:
        raise ApiError("message_not_found")
    if message.app != app.id:
        raise ApiError(refused)
    return message


def _thread(state: State, channel: str, arguments: Arguments) -> str | None:
    thread_ts = arguments.maybe("thread_ts")
    if not thread_ts:
        return None
    parent = state.messages.get((channel, thread_ts))
    if parent is None:
        raise ApiError("thread_not_found")
    if parent.thread_ts not in {None, parent.ts}:
        raise ApiError("cannot_reply_to_message")
    return thread_ts
