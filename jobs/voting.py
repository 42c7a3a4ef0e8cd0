"""What a vote counts as, and what those of others count as by now.

Who may is judged by the policy and the user groups of today, and for each vote on a choice again
when another one comes in: whoever left a group between two clicks takes their vote along.
"""

from collections.abc import Iterable, Mapping

from jobs.authorization import Action, Allowed, Target, may
from jobs.models import Frozen, Memberships, Principal, QuestionView
from jobs.policy import Policy
from jobs.policy.grounds import evidence

__all__ = ["ANY_ROLE", "Ballot", "asked_target", "ballot"]

ANY_ROLE = "*"


class Ballot(Frozen):
    """A vote as it is stored: what it rests on (JSON), and the roles that it may fill.

    `voters` are the roles that those who voted alike before may fill today; none: their votes do
    not count any more.
    """

    evidence: str
    roles: tuple[str, ...]
    voters: dict[str, tuple[str, ...]]


def asked_target(target: Target, question: QuestionView, choice: str) -> Target:
    """Return the target of an answer, with the owners whose vote its operation's day asked for.

    A question of an earlier version does not say which role takes how many votes; each vote must
    then fill all of them.
    """
    roles = question.roles_needed.get(choice)
    if roles is None:
        return target
    owners = tuple(sorted(role.removeprefix("owner:") for role in roles if role != "force"))
    return target.model_copy(update={"votes_by_role": True, "owners": owners})


def ballot(
    principal: Principal,
    question: QuestionView,
    choice: str,
    target: Target,
    actions: Iterable[Action],
    policy: Policy | None,
    people: Memberships,
) -> Ballot:
    """Return the vote of somebody who may do `actions`; see :class:`Ballot`."""
    wanted = tuple(actions)
    by_role = question.roles_needed.get(choice, {})
    grounds, roles = _judged(principal, target, wanted, policy, by_role)
    earlier = {vote.by for vote in question.votes if vote.choice == choice} - {principal.id}
    voters = {}
    for voter in sorted(earlier):
        team, _, user = voter.partition(":")
        voters[voter] = _judged(people.principal(team, user), target, wanted, policy, by_role)[1]
    return Ballot(evidence=evidence(principal, grounds, roles), roles=roles, voters=voters)


def _judged(
    principal: Principal,
    target: Target,
    actions: tuple[Action, ...],
    policy: Policy | None,
    by_role: Mapping[str, int],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what somebody's right rests on, and the roles that their vote may fill, if any."""
    answers = [may(principal, action, target, policy) for action in actions]
    allowed = [answer for answer in answers if isinstance(answer, Allowed)]
    if len(allowed) < len(answers):
        return (), ()
    grounds = tuple(dict.fromkeys(on for answer in allowed for on in answer.rests_on))
    if not by_role:
        return grounds, (ANY_ROLE,)
    fills = {role for answer in allowed for role in answer.counts_as}
    return grounds, tuple(sorted(fills & set(by_role)))
