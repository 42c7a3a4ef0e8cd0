"""The nodes of a cluster by the policy's rule that they fall under, and what somebody may there."""

from dataclasses import dataclass

from bot.commands.desk import Desk
from jobs.authorization import Action, Allowed, Target, may
from jobs.models import ClusterNode, DrainOptions, Principal
from jobs.policy import Rule, rule_for, rules_of_cluster

__all__ = ["Pool", "allowed", "pools_of"]

_SOMEBODY = "somebody else"  # who asked: approving is for others than the requester


@dataclass(frozen=True)
class Pool:
    """The nodes that one rule is the first to match. `number` is its place in the policy, from 1.

    Without a `rule` they fall under none, and nothing may be done to them.
    """

    number: int
    rule: Rule | None
    nodes: tuple[ClusterNode, ...]


def pools_of(desk: Desk, cluster: str) -> tuple[Pool, ...]:
    """Return the rules of a cluster with their nodes, also those that match none at the moment.

    Raises :class:`jobs.errors.StateUnavailable`.
    """
    found: dict[int, list[ClusterNode]] = {
        desk.policy.rules.index(rule) + 1: [] for rule in rules_of_cluster(desk.policy, cluster)
    }
    numbers = {id(rule): number for number, rule in enumerate(desk.policy.rules, 1)}
    for node in desk.nodes.of(cluster).nodes:
        rule = rule_for(desk.policy, cluster, node.labels)
        found.setdefault(numbers[id(rule)] if rule else 0, []).append(node)
    rules = {0: None, **dict(enumerate(desk.policy.rules, 1))}
    return tuple(Pool(n, rules[n], tuple(nodes)) for n, nodes in found.items())


def allowed(
    desk: Desk,
    principal: Principal,
    action: Action,
    cluster: str,
    node: ClusterNode,
    *,
    channel: str = "",
    options: DrainOptions | None = None,
) -> bool:
    """Whether a person may do something to such a node; of what somebody else has asked for."""
    target = Target(
        cluster=cluster,
        nodes={node.name: node.labels},
        requester=_SOMEBODY,
        channel=channel,
        options=options or DrainOptions(),
        namespaces=frozenset(),
    )
    return isinstance(may(principal, action, target, desk.policy), Allowed)
