"""The two calls that an answer may need beside its acknowledgement; never made by a listener."""

from collections.abc import Callable
from typing import Any

import structlog
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError

from bot.messages.message import BlockDict

__all__ = ["respond", "view_opener"]

_OPEN_SECONDS = 2  # a trigger id lives for 3 s, some of which are gone
_RESPOND_SECONDS = 5

log = structlog.get_logger(__name__)


def view_opener(token: str, api_url: str) -> Callable[[str, BlockDict], str]:
    """Return a function that opens a modal by views.open and returns what went wrong, or "".

    It doesn't try again: a trigger id counts once, and is too old soon.
    """
    client = WebClient(token, base_url=api_url, timeout=_OPEN_SECONDS, retry_handlers=[])

    def open_view(trigger_id: str, view: BlockDict) -> str:
        try:
            client.views_open(trigger_id=trigger_id, view=view)
        except SlackApiError as error:
            return str(error.response.get("error") or "unknown")
        except OSError as error:  # urllib's errors are all of this kind
            return type(error).__name__
        return ""

    return open_view


def respond(response_url: str, message: dict[str, Any]) -> None:
    """Post words for one person to the address that came with their act."""
    client = WebhookClient(response_url, timeout=_RESPOND_SECONDS, retry_handlers=[])
    try:
        response = client.send_dict(message)
    except OSError as error:
        log.warning("response_not_delivered", error=type(error).__name__)
        return
    if response.status_code != 200:  # noqa: PLR2004  HTTP's OK
        log.warning("response_not_delivered", status=response.status_code)
