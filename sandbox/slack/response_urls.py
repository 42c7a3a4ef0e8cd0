"""Answers to a response_url: five within thirty minutes.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.content import message_content
from sandbox.slack.errors import ApiError
from sandbox.slack.methods.chat import remove
from sandbox.slack.state import Message, ResponseUrl, State

__all__ = ["LIFETIME_S", "MOST_USES", "answer", "post_answer"]

MOST_USES = 5
LIFETIME_S = 30 * 60.0


def answer(state: State, key: str, values: dict[str, Any]) -> None:
    """Carry an answer out, or raise ApiError."""
    address = state.response_urls.get(key)
    if address is None:
        raise ApiError("no_such_url")
    if address.uses >= MOST_USES:
        raise ApiError("used_url")
    if state.clock.now() - address.issued > LIFETIME_S:
        raise ApiError("expired_url")
    arguments = Arguments(values)
    arguments.only(
        "text",
        "blocks",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
    )
    source = _source(state, address)
    if arguments.flag("delete_original"):
        if source is not None:
            remove(state, source)
    elif source is not None and arguments.flag("replace_original"):
        source.text, source.blocks = message_content(state, arguments)
        source.edited_ts = state.new_ts()
    else:
        post_answer(state, address, arguments)
    address.uses += 1


def post_answer(state: State, address: ResponseUrl, arguments: Arguments) -> Message:
    """Post an answer: to the person alone, or to the channel if it says `in_channel`."""
    text, blocks = message_content(state, arguments)
    kind = arguments.maybe("response_type") or "ephemeral"
    if kind not in {"ephemeral", "in_channel"}:
        raise ApiError("invalid_arguments", messages=["response_type: ephemeral or in_channel"])
    app = state.apps[address.app]
    message = Message(
        channel=address.channel,
        ts=state.new_ts(),
        author=app.bot_user,
        app=app.id,
        text=text,
        blocks=blocks,
        thread_ts=arguments.maybe("thread_ts") or address.thread_ts,
        only_for=address.user if kind == "ephemeral" else None,
    )
    kept = state.ephemerals if message.only_for else state.messages
    kept[message.channel, message.ts] = message
    return message


def _source(state: State, address: ResponseUrl) -> Message | None:
    if address.source_ts is None:
        return None
    key = (address.channel, address.source_ts)
    return state.messages.get(key) or state.ephemerals.get(key)
