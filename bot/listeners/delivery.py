"""What Slack delivers, read: who did something, where, and how to tell a repeat from a new act."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Delivery", "read_delivery"]


@dataclass(frozen=True)
class Delivery:
    """One act of one person in Slack.

    `teams` are all workspaces that the delivery names for the person: a member of another
    organization (Slack Connect) brings theirs along. `key` is the same for each repeat of the same
    delivery and differs for each new act. `home`: it comes from the person's home tab.
    """

    teams: frozenset[str]
    user: str
    channel: str
    thread_ts: str
    trigger_id: str
    response_url: str
    key: str
    home: bool = False

    def belongs_to(self, team: str) -> bool:
        """Whether the person is of workspace `team` and of no other, as far as Slack says."""
        return bool(self.user) and self.teams == {team}


def read_delivery(body: Mapping[str, Any]) -> Delivery:
    """Read the body of a slash command, a click or a submitted modal; never raises."""
    user = _part(body, "user")
    container = _part(body, "container")
    message = _part(body, "message")
    teams = {_text(body, "team_id"), _text(_part(body, "team"), "id"), _text(user, "team_id")}
    trigger = _text(body, "trigger_id")
    # A repeat has the same trigger id, which is unique to an act; without one its content tells.
    content = trigger or json.dumps(body, sort_keys=True, default=str)
    return Delivery(
        teams=frozenset(teams - {""}),
        user=_text(body, "user_id") or _text(user, "id"),
        channel=_text(body, "channel_id")
        or _text(_part(body, "channel"), "id")
        or _text(container, "channel_id"),
        thread_ts=_text(message, "thread_ts")
        or _text(container, "thread_ts")
        or _text(message, "ts")
        or _text(container, "message_ts"),
        trigger_id=trigger,
        response_url=_text(body, "response_url"),
        key=hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:32],
        home=_text(_part(body, "view"), "type") == "home",
    )


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
