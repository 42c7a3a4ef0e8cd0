"""conversations.*: reading channels and threads."""

import re
from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import ApiError
from sandbox.slack.methods.access import member_channel, require_scope, visible_channel
from sandbox.slack.render import channel_json, message_json
from sandbox.slack.state import Message, State
from sandbox.slack.workspace import App

__all__ = ["history", "info", "replies"]

_TS = re.compile(r"\d+(\.\d{1,6})?")
_RANGE = ("cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest")


def info(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Describe a channel."""
    arguments.only("channel", "include_locale", "include_num_members")
    channel = visible_channel(state, app, arguments)
    require_scope(app, channel, "read")
    shown = channel_json(state, channel, app)
    if arguments.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def history(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Return a channel's own messages, newest first; replies are in their threads only."""
    arguments.only("channel", *_RANGE)
    channel = member_channel(state, app, arguments)
    require_scope(app, channel, "history")
    messages = [m for m in state.in_channel(channel.id) if m.top_level]
    return _page(state, messages[::-1], arguments)


def replies(state: State, app: App, arguments: Arguments) -> dict[str, Any]:
    """Return a thread, its first message first. A reply's ``ts`` gives that reply alone."""
    arguments.only("channel", "ts", *_RANGE)
    channel = member_channel(state, app, arguments)
    require_scope(app, channel, "history")
    ts = arguments.text("ts", missing="thread_not_found")
    if (channel.id, ts) not in state.messages:
        raise ApiError("thread_not_found")
    return _page(state, state.thread(channel.id, ts), arguments)


def _page(state: State, messages: list[Message], arguments: Arguments) -> dict[str, Any]:
    limit = arguments.number("limit", default=100, lowest=1, highest=999)
    within = [m for m in messages if _in_range(m.ts, arguments)]
    start = _start(arguments)
    page, more = within[start : start + limit], len(within) > start + limit
    metadata = arguments.flag("include_all_metadata")
    answer: dict[str, Any] = {
        "messages": [message_json(state, m, metadata=metadata) for m in page],
        "has_more": more,
    }
    if more:
        answer["response_metadata"] = {"next_cursor": f"next:{start + limit}"}
    return answer


def _start(arguments: Arguments) -> int:
    cursor = arguments.maybe("cursor")
    if not cursor:
        return 0
    kind, _, number = cursor.partition(":")
    if kind != "next" or not number.isdecimal():
        raise ApiError("invalid_cursor")
    return int(number)


def _in_range(ts: str, arguments: Arguments) -> bool:
    inclusive = arguments.flag("inclusive")
    oldest, latest = arguments.maybe("oldest"), arguments.maybe("latest")
    for name, bound in (("oldest", oldest), ("latest", latest)):
        if bound and not _TS.fullmatch(bound):
            raise ApiError(f"invalid_ts_{name}")
    return all(
        (
            not oldest or _order(oldest) < _order(ts) or (inclusive and _same(oldest, ts)),
            not latest or _order(ts) < _order(latest) or (inclusive and _same(latest, ts)),
        )
    )


def _order(ts: str) -> tuple[int, int]:
    seconds, _, micros = ts.partition(".")
    return int(seconds), int(micros.ljust(6, "0"))


def _same(one: str, other: str) -> bool:
    return _order(one) == _order(other)
