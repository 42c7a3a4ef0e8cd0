"""Whether Slack takes the bot's token, grants it what it needs, and tells the time."""

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from bot.web_client import SlackAway, SlackRefused, asked, web_client

__all__ = ["SCOPES", "SlackHealth", "scopes_of"]

# As manifests/slack-app.yaml asks for them; a test holds both together.
SCOPES = frozenset(
    {
        "commands",
        "chat:write",
        "channels:history",
        "groups:history",
        "usergroups:read",
        "users:read",
    }
)
_SECONDS = 5


@dataclass(frozen=True)
class SlackHealth:
    """What Slack says of a token. `wrong` is why it says nothing; `at` its time (ms), if it told.

    `missing` and `excess` are scopes, beside those that the bot needs.
    """

    wrong: str = ""
    team: str = ""
    missing: tuple[str, ...] = ()
    excess: tuple[str, ...] = ()
    at: int | None = None


def scopes_of(token: str, api_url: str) -> SlackHealth:
    """Ask Slack whose token it is, and what it may do."""
    client = web_client(token, api_url, timeout=_SECONDS)
    try:
        answer = asked(client.auth_test)
    except SlackAway as away:
        return SlackHealth(wrong=f"Slack does not answer: {away}")
    except SlackRefused as refused:
        return SlackHealth(wrong=f"Slack refuses SLACK_BOT_TOKEN ({refused.code})")
    headers: dict[str, Any] = {key.lower(): value for key, value in answer.headers.items()}
    granted = _granted(_text(headers.get("x-oauth-scopes")))
    data = answer.data if isinstance(answer.data, dict) else {}
    return SlackHealth(
        team=str(data.get("team_id", "")),
        missing=tuple(sorted(SCOPES - granted)),
        excess=tuple(sorted(granted - SCOPES)),
        at=_date(_text(headers.get("date"))),
    )


def _granted(header: str) -> frozenset[str]:
    names: Iterable[str] = header.split(",")
    return frozenset(name.strip() for name in names if name.strip())


def _text(value: Any) -> str:
    return str(value[0] if isinstance(value, list) and value else value or "")


def _date(header: str) -> int | None:
    try:
        return int(parsedate_to_datetime(header).timestamp() * 1000) if header else None
    except ValueError:
        return None
