"""The two calls that an answer may need beside its acknowledgement; never made by a listener."""

from collections.abc import Callable
from typing import Any

import structlog

from bot.messages.message import BlockDict
from bot.web_client import SlackAway, SlackRefused, asked, web_client, webhook

__all__ = ["respond", "view_opener"]

_OPEN_SECONDS = 2  # a trigger id lives for 3 s, some of which are gone
_RESPOND_SECONDS = 5

log = structlog.get_logger(__name__)


def view_opener(token: str, api_url: str) -> Callable[[str, BlockDict], str]:
    """Return a function that opens a modal by views.open and returns what went wrong, or "".

    It doesn't try again: a trigger id counts once, and is too old soon.
    """
    client = web_client(token, api_url, timeout=_OPEN_SECONDS)

    def open_view(trigger_id: str, view: BlockDict) -> str:
        try:
            asked(lambda: client.views_open(trigger_id=trigger_id, view=view))
        except (SlackAway, SlackRefused) as error:
            return str(error)
        return ""

    return open_view


def respond(response_url: str, message: dict[str, Any]) -> None:
    """Post words for one person to the address that came with their act."""
    client = webhook(response_url, timeout=_RESPOND_SECONDS)
    try:
        response = client.send_dict(message)
    except OSError as error:
        log.warning("response_not_delivered", error=type(error).__name__)
        return
    if response.status_code != 200:  # noqa: PLR2004  HTTP's OK
        log.warning("response_not_delivered", status=response.status_code)
