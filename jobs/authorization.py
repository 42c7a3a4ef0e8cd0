"""May this person do this? One pure function in front of every way in, failing closed.

Slash commands, clicks, modals, HTTP and the command line all come through :func:`may`. A right
rests on a rule's list (`request`, `approve`, `decide`, `force`) or, where the design says so, on
having asked for the operation; a token's scopes narrow either. *Who may* is judged by the policy
of today; how many votes it takes is the operation's own (:class:`jobs.models.Requirements`).
"""

from collections.abc import Iterable

from pydantic import Field

from jobs.ids import did_you_mean, quoted
from jobs.models import DrainOptions, Frozen, Inventory, Memberships, Principal
from jobs.options import rights_needed
from jobs.policy.actions import (
    CHOICES,
    COMMANDS,
    GRANTED_BY,
    OF_CLUSTER,
    SCOPE_OF,
    Action,
    action_of_choice,
    cant,
)
from jobs.policy.approvers import unapprovable
from jobs.policy.caps import caps
from jobs.policy.fields import is_slack_group, is_user
from jobs.policy.grounds import ground, in_scope, listed
from jobs.policy.model import Policy, Rule
from jobs.policy.rules import members, rule_for, rules_of_cluster
from jobs.policy.tokens import principal_for_token

__all__ = [
    "CHOICES",
    "Action",
    "Allowed",
    "Denied",
    "Target",
    "action_of_choice",
    "caps",
    "force_roles",
    "labels_of",
    "may",
    "no_policy_refusal",
    "principal_for_token",
]


class Target(Frozen):
    """What it is done to.

    `nodes` are the nodes concerned with their labels; None: not known, so no rule can allow it.
    `requester` is the id of who asked for the operation. `channel` is where the act comes from,
    empty for none. `namespaces` are those of the pods concerned; None, not known, counts as all.
    `votes_by_role`: the caller counts votes by `Allowed.counts_as`; without it a vote must
    satisfy every role by itself, so that a plain count of votes is right too. `owners` are the
    groups whose vote to force the operation's day asked for; None: those that today's policy asks
    for. `people` are the members of Slack user groups as far as they are known.
    """

    cluster: str
    nodes: dict[str, dict[str, str] | None] = Field(default_factory=dict)
    requester: str = ""
    channel: str = ""
    options: DrainOptions = DrainOptions()
    namespaces: frozenset[str] | None = None
    votes_by_role: bool = False
    owners: tuple[str, ...] | None = None
    people: Memberships = Memberships()


class Allowed(Frozen):
    """They may, and why.

    `rests_on` is for the record: `user:U…`, `group:S…`, `requester` or `break_glass`.
    `counts_as` are the roles that a vote to force fills: see :func:`force_roles`.
    """

    rests_on: tuple[str, ...] = ()
    counts_as: frozenset[str] = frozenset()


class Denied(Frozen):
    """They may not. `reason` is a sentence for them; `who_may` ids of users and user groups."""

    reason: str
    who_may: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return False, so that `if may(…)` lets nobody through; ask `isinstance` or `is None`."""
        return False


def may(
    principal: Principal, action: Action, target: Target, policy: Policy | None
) -> Allowed | Denied:
    """Decide whether a person may do something today. Pure; never raises; in doubt, no.

    Reading is for everybody of the team. Anything else about nodes needs the leave of every rule
    that they fall under; what is about a whole cluster, of any rule that reaches into it.
    """
    if policy is None:
        return Denied(reason=no_policy_refusal())
    refused = _outside(principal, action, target, policy)
    if refused is not None:  # a Denied is false
        return refused
    if action is Action.READ:
        return Allowed() if in_scope(principal, "read") else _out_of_scope("read")
    right, own = GRANTED_BY[action]
    if own and target.requester == principal.id and in_scope(principal, "request"):
        return Allowed(rests_on=("requester",))
    if not in_scope(principal, SCOPE_OF[right]):
        return _out_of_scope(SCOPE_OF[right])
    return _listed_may(principal, action, target, policy)


def no_policy_refusal() -> str:
    """Return what people are told while there is no policy."""
    return (
        "No policy file: nothing is allowed without one. Whoever runs drainbot must set "
        "DRAINBOT_POLICY to it. Nothing changed."
    )


def labels_of(inventory: Inventory, names: Iterable[str]) -> dict[str, dict[str, str] | None]:
    """Return the labels of nodes as a :class:`Target` takes them; None for an unknown node."""
    nodes = {node.name: node.labels for node in inventory.nodes}
    return {name: nodes.get(name) for name in names}


def force_roles(policy: Policy, target: Target) -> dict[str, int]:
    """Return how many votes of each role it takes to force: `force`, and `owner:GROUP`."""
    rules = _rules_met(Action.FORCE, target, policy)
    forces = [] if isinstance(rules, Denied) else [rule.force for rule in rules if rule.force]
    votes = max((force.votes for force in forces), default=1)
    return {"force": votes} | {f"owner:{group}": 1 for group in _owners(policy, target)}


def _outside(principal: Principal, action: Action, target: Target, policy: Policy) -> Denied | None:
    """Refuse who is not of the team, and what drainbot is not there for."""
    if action is not Action.READ and action not in GRANTED_BY:
        return Denied(reason="drainbot does not know this action. Nothing changed.")
    if principal.team != policy.team or not is_user(principal.user):
        return Denied(reason="drainbot obeys people of its own workspace only. Nothing changed.")
    if target.cluster not in policy.clusters:
        hint = did_you_mean(target.cluster, policy.clusters)
        said = f"The policy lists no cluster {quoted(target.cluster)}."
        return Denied(reason=" ".join(filter(None, (said, hint, "Nothing changed."))))
    channels = {*policy.channels}
    if action not in COMMANDS:
        channels |= {owner.channel for owner in policy.owners.values() if owner.channel}
        channels |= {policy.fallback_channel} if policy.fallback_channel else set()
        channels |= {policy.questions.escalate.to} if policy.questions.escalate else set()
    if target.channel and target.channel not in channels:
        return Denied(reason="The policy does not list this channel. Nothing changed.")
    return None


def _listed_may(
    principal: Principal, action: Action, target: Target, policy: Policy
) -> Allowed | Denied:
    if action in OF_CLUSTER:
        return _by_any_rule(principal, action, target, policy)
    rules = _rules_met(action, target, policy)
    if isinstance(rules, Denied):
        return rules
    if action is Action.FORCE:
        return _force(principal, target, rules, policy)
    if action is Action.APPROVE:
        return _approve(principal, target, rules, policy)
    if action is Action.REQUEST:
        return _request(principal, target, rules, policy)
    return _by_every_rule(principal, action, rules, policy)


def _rules_met(action: Action, target: Target, policy: Policy) -> list[Rule] | Denied:
    """Return the rules that the nodes fall under, each once; every node must have one."""
    if not target.nodes:
        return Denied(reason=f"{cant(action)}: no node is named. Nothing changed.")
    rules: list[Rule] = []
    for name, labels in target.nodes.items():
        if labels is None:
            said = f"{quoted(name)} is not known in {target.cluster}, so no rule allows it."
            return Denied(reason=f"{said} Nothing changed.")
        rule = rule_for(policy, target.cluster, labels)
        if rule is None:
            said = f"No rule of the policy covers {quoted(name)}, so nothing may be done to it."
            return Denied(reason=f"{said} Nothing changed.")
        if rule not in rules:
            rules.append(rule)
    return rules


def _by_every_rule(
    principal: Principal, action: Action, rules: Iterable[Rule], policy: Policy
) -> Allowed | Denied:
    right, own = GRANTED_BY[action]
    grounds: dict[str, None] = {}
    for rule in rules:
        who = listed(rule, right)
        found = ground(principal, right, who, policy)
        if not found:
            return _needs(principal, action, who, policy, own=own)
        grounds[found] = None
    return Allowed(rests_on=tuple(grounds))


def _by_any_rule(
    principal: Principal, action: Action, target: Target, policy: Policy
) -> Allowed | Denied:
    right, _ = GRANTED_BY[action]
    rules = rules_of_cluster(policy, target.cluster)
    who = tuple(dict.fromkeys(name for rule in rules for name in listed(rule, right)))
    found = ground(principal, right, who, policy)
    return Allowed(rests_on=(found,)) if found else _needs(principal, action, who, policy)


def _request(
    principal: Principal, target: Target, rules: list[Rule], policy: Policy
) -> Allowed | Denied:
    answer = _by_every_rule(principal, Action.REQUEST, rules, policy)
    if isinstance(answer, Denied):
        return answer
    refusals = (_options(principal, target, rule, policy) for rule in rules)
    refused = next((each for each in refusals if each is not None), None)
    if refused is not None:
        return refused
    hopeless = unapprovable(principal, rules, policy, target.people)
    return answer if hopeless is None else Denied(reason=hopeless.reason, who_may=hopeless.others)


def _options(principal: Principal, target: Target, rule: Rule, policy: Policy) -> Denied | None:
    """Refuse options that need the force right, from somebody who lacks it here."""
    needed = [name for name in rights_needed(target.options) if name not in rule.options]
    if not needed:
        return None
    flags = " and ".join(f"--{name}" for name in needed)
    who = listed(rule, "force")
    if not in_scope(principal, "force") or not ground(principal, "force", who, policy):
        said = f"{flags} needs the force right here: {_whose(who)}"
        return Denied(reason=f"{said}. Nothing changed.", who_may=_ids(who, policy))
    # Past every budget at once: what takes several people to force takes no single one's flag.
    alone = rule.force is not None and rule.force.votes == 1
    missing = [g for g in _owners(policy, target) if not ground(principal, "force", (g,), policy)]
    if "disable-eviction" in needed and (missing or not alone):
        need = f"a vote of {_or(missing)}" if missing else "several people's votes"
        said = f"--disable-eviction goes past every budget, and forcing needs {need} here"
        return Denied(
            reason=f"{said}: drain without it, and force where it blocks. Nothing changed.",
            who_may=_ids(missing or who, policy),
        )
    return None


def _approve(
    principal: Principal, target: Target, rules: list[Rule], policy: Policy
) -> Allowed | Denied:
    asking = [rule for rule in rules if rule.approve]
    if not asking:
        said = "Nobody may approve this by the policy of today: abort it and ask again."
        return Denied(reason=f"{said} Nothing changed.")
    if not target.requester:
        return Denied(reason="It is not known who asked for this drain. Nothing changed.")
    own = target.requester == principal.id
    if own and not all(rule.approve and rule.approve.requester_counts for rule in asking):
        who = [name for rule in asking for name in listed(rule, "approve")]
        others = tuple(id for id in _ids(who, policy) if id != principal.user)
        said = "You asked for this drain; its approval needs somebody else. Nothing changed."
        return Denied(reason=said, who_may=others)
    return _by_every_rule(principal, Action.APPROVE, asking, policy)


def _force(
    principal: Principal, target: Target, rules: list[Rule], policy: Policy
) -> Allowed | Denied:
    """Decide on a vote to force, which may fill the rule's role, owners' roles, or both."""
    grounds: dict[str, tuple[str, ...]] = {}
    answer = _by_every_rule(principal, Action.FORCE, rules, policy)
    if isinstance(answer, Allowed):
        grounds["force"] = answer.rests_on
    owners = _owners(policy, target)
    for group in owners:
        if found := ground(principal, "force", (group,), policy):
            grounds[f"owner:{group}"] = (found,)
    whole = len(grounds) == 1 + len(owners)
    if whole or (grounds and target.votes_by_role):
        rests_on = dict.fromkeys(found for role in grounds.values() for found in role)
        return Allowed(rests_on=tuple(rests_on), counts_as=frozenset(grounds))
    if isinstance(answer, Denied):
        return answer
    lacking = [group for group in owners if f"owner:{group}" not in grounds]
    return _needs(principal, Action.FORCE, lacking, policy)


def _owners(policy: Policy, target: Target) -> list[str]:
    """Return the groups whose vote it takes to force pods of the target's namespaces."""
    if target.owners is not None:
        return list(target.owners)
    concerned = [
        owner.group
        for namespace, owner in policy.owners.items()
        if owner.force_needs_vote and (target.namespaces is None or namespace in target.namespaces)
    ]
    return list(dict.fromkeys(concerned))


def _out_of_scope(scope: str) -> Denied:
    return Denied(reason=f"This token does not have the scope {scope}. Nothing changed.")


def _needs(
    principal: Principal, action: Action, who: Iterable[str], policy: Policy, *, own: bool = False
) -> Denied:
    right, _ = GRANTED_BY[action]
    names = [*(["whoever asked for it"] if own else []), *who]
    needs = f"it needs {_or(names)}" if names else "the policy lets nobody"
    ids = _ids(names[own:], policy)
    if not principal.groups_known:
        if any(map(is_slack_group, ids)):
            needs += ", and who is in a Slack group is not known at the moment"
        if right == "decide":
            ids = tuple(dict.fromkeys((*ids, *policy.break_glass)))
    return Denied(reason=f"{cant(action)}: {needs}. Nothing changed.", who_may=ids)


def _whose(who: tuple[str, ...]) -> str:
    return f"{_or(who)} may" if who else "nobody has it"


def _or(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _ids(who: Iterable[str], policy: Policy) -> tuple[str, ...]:
    return tuple(sorted(members(policy, who)))
