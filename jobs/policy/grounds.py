"""What a person's right rests on: their own name in a list, a user group, or nothing."""

import json
from collections.abc import Iterable

from jobs.models import Principal
from jobs.policy.actions import Right
from jobs.policy.fields import is_slack_group
from jobs.policy.model import Policy, Rule
from jobs.policy.rules import members

__all__ = ["BREAK_GLASS", "evidence", "ground", "in_scope", "listed"]

BREAK_GLASS = "break_glass"


def listed(rule: Rule, right: Right) -> tuple[str, ...]:
    """Return whom a rule grants a right."""
    match right:
        case "request":
            return rule.request
        case "decide":
            return rule.decide
        case "approve":
            return rule.approve.by if rule.approve else ()
        case "force":
            return rule.force.by if rule.force else ()


def ground(principal: Principal, right: Right, who: Iterable[str], policy: Policy) -> str:
    """Return what a right rests on: `user:U…`, `group:S…` or `break_glass`; "" is no right."""
    ids = members(policy, who)
    if principal.user in ids:
        return f"user:{principal.user}"
    shared = sorted(id for id in principal.groups & ids if is_slack_group(id))
    if principal.groups_known and shared:
        return f"group:{shared[0]}"
    if principal.groups_known and not principal.groups_stale:
        return ""
    # Slack can't be asked for anybody's groups: then these people, and in deciding only.
    return BREAK_GLASS if right == "decide" and principal.user in policy.break_glass else ""


def evidence(principal: Principal, rests_on: Iterable[str], roles: Iterable[str] = ()) -> str:
    """Return what an act rested on as JSON, for the record: it is stored beside who did it.

    `{via, rests_on, groups_at, stale, roles}`: see :class:`jobs.models.Principal`; `stale` is said
    only where a group granted it. `roles` are those that a vote may fill.
    """
    grounds = list(rests_on)
    by_group = any(ground.startswith("group:") for ground in grounds)
    return json.dumps(
        {
            "via": principal.via,
            "rests_on": grounds,
            "groups_at": principal.groups_at if by_group else 0,
            "stale": principal.groups_stale and by_group,
            "roles": sorted(roles),
        },
        separators=(",", ":"),
    )


def in_scope(principal: Principal, scope: str) -> bool:
    """Whether a token, if they came with one, was made for this."""
    return principal.scopes is None or scope in principal.scopes
