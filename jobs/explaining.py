"""Why the policy lets a person do something to a node, or why not: for whoever writes it. Pure."""

from collections.abc import Mapping

from pydantic import Field

from jobs.authorization import Action, Allowed, Target, force_roles, may
from jobs.models import Frozen, Principal
from jobs.policy import Policy, Rule, rule_for

__all__ = ["Explanation", "Verdict", "explain"]

# What people ask about, in the order in which a drain comes to it. The rest follows from these:
# abort, pause, resume and uncordon are for whoever asked, or may decide; a dead node for force.
_ASKED = (
    Action.REQUEST,
    Action.APPROVE,
    Action.DECIDE,
    Action.FORCE,
    Action.FREEZE,
    Action.THAW,
)
_SOMEBODY_ELSE = "U0"


class Verdict(Frozen):
    """Whether somebody may do an `act`: what that rests on, or why not and who may instead.

    `takes` says how many votes of which role it takes (force and approve only).
    """

    act: str
    allowed: bool
    rests_on: tuple[str, ...] = ()
    why: str = ""
    who_may: tuple[str, ...] = ()
    takes: dict[str, int] = Field(default_factory=dict)


class Explanation(Frozen):
    """What the policy says of a person and a node. `rule` counts from 1; 0: none is for the node.

    `owners` are the groups whose vote it takes too to force pods, by namespace.
    """

    user: str
    cluster: str
    node: str
    labels: dict[str, str]
    rule: int
    rules: int
    groups: tuple[str, ...]
    groups_known: bool
    groups_stale: bool
    groups_at: int
    verdicts: tuple[Verdict, ...]
    owners: dict[str, str]


def explain(
    principal: Principal, policy: Policy, cluster: str, node: str, labels: Mapping[str, str]
) -> Explanation:
    """Say what somebody may do to a node with these labels, and what each answer rests on.

    Of an approval of what somebody else asked for, and of a force of pods that nobody owns.
    """
    rule = rule_for(policy, cluster, labels)
    target = Target(
        cluster=cluster,
        nodes={node: dict(labels)},
        requester=f"{principal.team}:{_SOMEBODY_ELSE}",
        namespaces=frozenset(),
    )
    verdicts = tuple(_verdict(principal, action, target, policy, rule) for action in _ASKED)
    return Explanation(
        user=principal.user,
        cluster=cluster,
        node=node,
        labels=dict(labels),
        rule=policy.rules.index(rule) + 1 if rule else 0,
        rules=len(policy.rules),
        groups=tuple(sorted(principal.groups)),
        groups_known=principal.groups_known,
        groups_stale=principal.groups_stale,
        groups_at=principal.groups_at,
        verdicts=verdicts,
        owners={
            namespace: owner.group
            for namespace, owner in policy.owners.items()
            if owner.force_needs_vote
        },
    )


def _verdict(
    principal: Principal, action: Action, target: Target, policy: Policy, rule: Rule | None
) -> Verdict:
    answer = may(principal, action, target, policy)
    takes: dict[str, int] = {}
    if action is Action.FORCE and rule and rule.force:
        takes = force_roles(policy, target)
    if action is Action.APPROVE and rule and rule.approve:
        takes = {"approve": rule.approve.votes}
    if isinstance(answer, Allowed):
        return Verdict(act=action, allowed=True, rests_on=answer.rests_on, takes=takes)
    why = answer.reason.removesuffix(" Nothing changed.")
    return Verdict(act=action, allowed=False, why=why, who_may=answer.who_may, takes=takes)
