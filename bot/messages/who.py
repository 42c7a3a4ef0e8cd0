"""Who may do what, in words: the answer to `/drain who`."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.messages.style import MRKDWN, Style
from bot.messages.text import count, listing
from jobs.policy import Policy, Rule

__all__ = ["Who", "who_lines"]

_PEOPLE = 8  # of one list that an answer names


@dataclass(frozen=True)
class Who:
    """A rule of the policy (its `number`, from 1), how many nodes it is for, and what I may there.

    `node` is the one that was asked about, or empty. Without a `rule` there is none for them.
    """

    number: int
    rule: Rule | None
    node: str
    nodes: int
    mine: tuple[str, ...]


def who_lines(
    found: Iterable[Who], policy: Policy, cluster: str, style: Style = MRKDWN
) -> list[str]:
    """Return the answer: of each rule who may ask, approve, decide and force; and what you may."""
    lines: list[str] = []
    for each in found:
        lines += _rule_lines(each, policy, cluster, style)
    return lines or [f"The policy has no rule for {style.text(cluster)}: nothing is allowed there."]


def _rule_lines(each: Who, policy: Policy, cluster: str, style: Style) -> list[str]:
    what = each.node or count(each.nodes, "node")
    if each.rule is None:
        return [f"{style.bold(style.text(what))}: no rule of the policy is for it, so nobody may."]
    rule = each.rule
    labels = ", ".join(f"{k}={v}" for k, v in rule.match.labels.items()) or "any labels"
    where = f"{style.text(what)} in {style.text(cluster)}"
    lines = [f"{style.bold(where)}: rule {each.number} of the policy ({style.text(labels)})"]
    lines.append(f"• Ask: {_people(rule.request, policy, style)}")
    if rule.approve:
        own = "" if rule.approve.requester_counts else ", not who asked"
        votes = f"{count(rule.approve.votes, 'vote')}{own}"
        lines.append(f"• Approve: {_people(rule.approve.by, policy, style)} ({votes})")
    lines.append(f"• Decide: {_people(rule.decide, policy, style)}")
    if rule.force:
        lines.append(
            f"• Force: {_people(rule.force.by, policy, style)} "
            f"({count(rule.force.votes, 'vote')}{_reason(rule)})"
        )
    else:
        lines.append("• Force: nobody")
    lines += _limits(rule)
    mine = listing(each.mine, 4, last=" and ") if each.mine else "nothing but look"
    lines.append(f"• You: {mine}" if each.nodes else "• No node falls under it at the moment")
    return lines


def _reason(rule: Rule) -> str:
    return ", with a reason" if rule.force and rule.force.reason == "required" else ""


def _limits(rule: Rule) -> list[str]:
    limits = []
    if rule.max_nodes:
        limits.append(f"{count(rule.max_nodes, 'node')} an operation")
    if rule.max_share_of_pool is not None:
        limits.append(f"{rule.max_share_of_pool}% of these nodes out of service at once")
    leave = "with" if rule.control_plane else "not"
    limits.append(f"{leave} those of the control plane")
    flags = ", ".join(f"--{name}" for name in rule.options)
    return [
        f"• Limits: {', '.join(limits)}",
        *([f"• Without the force right: {flags}"] if flags else []),
    ]


def _people(names: Iterable[str], policy: Policy, style: Style) -> str:
    """Name a list of the policy: its groups by name, with the people in them."""
    said = []
    for name in names:
        people = policy.groups.get(name)
        if people is None:
            said.append(style.person(name))
        else:
            members = listing([style.person(id) for id in people], _PEOPLE)
            said.append(f"{style.text(name)} ({members})")
    return listing(said, _PEOPLE, last=", ") or "nobody"
