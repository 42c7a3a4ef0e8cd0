"""What a person's right rests on: their own name in a list, a user group, or nothing."""

from collections.abc import Iterable

from jobs.models import Principal
from jobs.policy.actions import Right
from jobs.policy.fields import is_slack_group
from jobs.policy.model import Policy, Rule
from jobs.policy.rules import members

__all__ = ["ground", "in_scope", "listed"]


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
    if principal.groups_known:
        shared = sorted(id for id in principal.groups & ids if is_slack_group(id))
        return f"group:{shared[0]}" if shared else ""
    # Nobody's groups can be asked for: then these people, and in deciding only.
    return "break_glass" if right == "decide" and principal.user in policy.break_glass else ""


def in_scope(principal: Principal, scope: str) -> bool:
    """Whether a token, if they came with one, was made for this."""
    return principal.scopes is None or scope in principal.scopes
