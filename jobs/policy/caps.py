"""How many nodes an operation may take, by the policy: whoever asks, these limits hold."""

from collections.abc import Iterable, Iterator, Mapping

from jobs.ids import quoted
from jobs.models import ClusterNode, Inventory
from jobs.policy.model import Policy, Rule
from jobs.policy.rules import rule_for

__all__ = ["caps", "is_control_plane"]

# The label of today, and that of clusters which began before Kubernetes 1.20.
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def is_control_plane(labels: Mapping[str, str]) -> bool:
    """Whether a node runs the control plane, by the labels that kubeadm sets."""
    return any(label in labels for label in _CONTROL_PLANE)


def caps(
    policy: Policy, cluster: str, nodes: Iterable[str], inventory: Inventory
) -> tuple[str, ...]:
    """Return why an operation on `nodes` is too much, in sentences; nothing if it is not.

    Nodes that drainbot has out of service or reserved already count against a share of a pool and
    against the one node of the control plane. Nodes that the inventory lacks count as asked for.
    """
    asked = frozenset(nodes)
    known = [node for node in inventory.nodes if node.name in asked]
    pools: dict[int, list[ClusterNode]] = {}
    rules: dict[int, Rule] = {}
    for node in inventory.nodes:
        if rule := rule_for(policy, cluster, node.labels):
            pools.setdefault(id(rule), []).append(node)
            rules[id(rule)] = rule
    met = [(rules[key], pool) for key, pool in pools.items() if any(n.name in asked for n in pool)]
    return (
        *_count(len(asked), [rule for rule, _ in met]),
        *(said for rule, pool in met for said in _share(rule, pool, asked)),
        *(said for rule, pool in met for said in _control_plane_leave(rule, pool, asked)),
        *_control_plane_alone(known, inventory),
    )


def _count(asked: int, rules: list[Rule]) -> Iterator[str]:
    most = min((rule.max_nodes for rule in rules if rule.max_nodes), default=asked)
    if asked > most:
        yield f"{asked} nodes are asked for: the policy allows {most} an operation here."


def _share(rule: Rule, pool: list[ClusterNode], asked: frozenset[str]) -> Iterator[str]:
    if rule.max_share_of_pool is None:
        return
    # In Decimal, as the policy wrote it: 29% of 100 must be 29.
    most = max(1, int(len(pool) * rule.max_share_of_pool // 100))
    away = [node.name for node in pool if _away(node) and node.name not in asked]
    wanted = sum(node.name in asked for node in pool)
    if wanted + len(away) > most:
        out = f", and {len(away)} out of service already" if away else ""
        yield (
            f"{wanted} of the {len(pool)} nodes of this pool are asked for{out}: the policy "
            f"allows {most} out of service at once ({rule.max_share_of_pool}%)."
        )


def _control_plane_leave(
    rule: Rule, pool: list[ClusterNode], asked: frozenset[str]
) -> Iterator[str]:
    if rule.control_plane:
        return
    for node in pool:
        if node.name in asked and is_control_plane(node.labels):
            yield f"{quoted(node.name)} runs the control plane: the policy does not allow it."


def _control_plane_alone(known: list[ClusterNode], inventory: Inventory) -> Iterator[str]:
    asked = {node.name for node in known if is_control_plane(node.labels)}
    away = {n.name for n in inventory.nodes if _away(n) and is_control_plane(n.labels)} - asked
    if len(asked) > 1 or (asked and away):
        names = ", ".join(quoted(name) for name in sorted(asked | away))
        yield f"Never two nodes of the control plane at once: {names}."


def _away(node: ClusterNode) -> bool:
    # One that waits for its turn in an operation is as good as away: nothing asks again before it.
    return node.mode != "accepting" or bool(node.owner)
