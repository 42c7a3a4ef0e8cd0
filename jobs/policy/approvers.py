"""Who could approve a request: said at once where nobody but the requester is eligible."""

from collections.abc import Sequence

from jobs.models import Frozen, Memberships, Principal
from jobs.policy.fields import is_slack_group
from jobs.policy.model import Approve, Policy, Rule
from jobs.policy.rules import members

__all__ = ["Hopeless", "unapprovable"]


class Hopeless(Frozen):
    """A request that could never start: why and who to add where, and who else may approve it."""

    reason: str
    others: tuple[str, ...]


def unapprovable(
    principal: Principal, rules: Sequence[Rule], policy: Policy, people: Memberships
) -> Hopeless | None:
    """Return why too few people may approve, or None where enough may, or that is not known.

    Whoever approves needs the leave of every rule that wants approvals. Slack user groups count
    with their members of today, as far as those are known.
    """
    approvals = [rule.approve for rule in rules if rule.approve]
    lists = [_everybody(policy, approve, people) for approve in approvals]
    known = [everybody for everybody in lists if everybody is not None]
    if not known:
        return None
    eligible = frozenset.intersection(*known)  # at most: lists that are not known may have fewer
    if not all(approve.requester_counts for approve in approvals):
        eligible -= {principal.user}
    votes = max(approve.votes for approve in approvals)
    if len(eligible) >= votes:
        return None
    said = [_too_few(len(eligible), votes), _where(policy, approvals)]
    if len(approvals) > 1:
        said.append("Or ask for the nodes apart: together they need people who may approve each.")
    return Hopeless(reason=f"{' '.join(said)} Nothing changed.", others=tuple(sorted(eligible)))


def _everybody(policy: Policy, approve: Approve, people: Memberships) -> frozenset[str] | None:
    """Return all users who may approve; None where a Slack group's members are not known."""
    found: frozenset[str] = frozenset()
    for id in members(policy, approve.by):
        if not is_slack_group(id):
            found |= {id}
        elif people.known and id in people.groups:
            found |= people.groups[id]
        else:
            return None
    return found


def _too_few(eligible: int, votes: int) -> str:
    if not eligible:
        return "Nobody but you may approve this, so it could never start."
    takes = f"it takes {votes}, and {eligible} may" if eligible > 1 else f"it takes {votes}"
    return f"Too few people but you may approve this, so it could never start: {takes}."


def _where(policy: Policy, approvals: Sequence[Approve]) -> str:
    """Say where more people can be added: groups at Slack and in the policy, or a rule's list."""
    names = dict.fromkeys(name for approve in approvals for name in approve.by)
    places = []
    for name in names:
        slack = [id for id in policy.groups.get(name, (name,)) if is_slack_group(id)]
        if slack:
            of = f" of {name}" if name in policy.groups else ""
            places.append(f"the Slack group {' or '.join(slack)}{of}")
        elif name in policy.groups:
            places.append(f"the policy's group {name}")
    places.append("the rule's approve.by")
    return f"Add somebody to {', or '.join(places)}."
