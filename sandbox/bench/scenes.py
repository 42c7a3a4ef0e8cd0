"""The clusters that drains are timed on. A pod takes 0.5 s to stop, and 0.05 s to start.

Each workload has two copies on a node that stays: so drainbot's rule that the last ready copy waits
for another one, which neither the floor nor kubectl has, checks every pod and holds none back.
"""

from sandbox.cluster import Budget, Node, Scenario, Workload

CROWD, PACED, TEAM, FLEET, FLEET_PODS = 220, 20, 10, 200, 30
STOP_AFTER = 0.5  # seconds
REPLACED_AFTER = 0.6  # seconds that a replacement takes to be ready under the budget
NAMESPACE, SPARE, ELSEWHERE = "team", "spare", 2


def node_names(count: int) -> list[str]:
    """Return the nodes of a scene that are drained."""
    return [f"node-{number}" for number in range(1, count + 1)]


def _nodes(names: list[str], pods: int) -> tuple[Node, ...]:
    """Return full nodes, and one that has room for all of their pods."""
    spare = Node(name=SPARE, cpu="6400", memory="25600Gi", pods=2 * pods * len(names))
    return (*(Node(name=name, cpu="64", memory="256Gi", pods=pods) for name in names), spare)


def crowd() -> Scenario:
    """Return one node with 220 pods."""
    names = node_names(1)
    return Scenario(
        name="crowd", nodes=_nodes(names, CROWD), workloads=(_many("many", names, CROWD),)
    )


def paced() -> Scenario:
    """Return one node with 20 pods under `maxUnavailable: 1`."""
    names = node_names(1)
    workload = _many("paced", names, PACED, start_after=REPLACED_AFTER)
    return Scenario(
        name="paced",
        nodes=_nodes(names, PACED),
        workloads=(workload,),
        budgets=(
            Budget(
                namespace=NAMESPACE, name="paced", max_unavailable=1,
                match_labels=workload.pod_labels,
            ),
        ),
    )  # fmt: skip


def team() -> Scenario:
    """Return ten nodes with 30 pods each, of three workloads that all of them share."""
    names = node_names(TEAM)
    workloads = [_many(f"app-{number}", names, TEAM * FLEET_PODS // 3) for number in range(3)]
    return Scenario(name="team", nodes=_nodes(names, FLEET_PODS), workloads=tuple(workloads))


def fleet(count: int = FLEET) -> Scenario:
    """Return many nodes with 30 pods each, of two workloads of its own each.

    Its own, because drainbot lets no next node begin before the workloads of the last one are as
    ready as they were: shared ones would be waited for until their other nodes are done as well.
    """
    names = node_names(count)
    workloads = [
        _many(f"{name}-{number}", [name], FLEET_PODS // 2) for name in names for number in range(2)
    ]
    return Scenario(name="fleet", nodes=_nodes(names, FLEET_PODS), workloads=tuple(workloads))


def _many(name: str, nodes: list[str], count: int, *, start_after: float | None = None) -> Workload:
    """Return a workload with so many pods on these nodes in turn, and some elsewhere."""
    on = [nodes[number % len(nodes)] for number in range(count)] + [SPARE] * ELSEWHERE
    return Workload(
        kind="ReplicaSet", namespace=NAMESPACE, name=name, replicas=len(on), on=tuple(on),
        stop_after=STOP_AFTER, start_after=start_after,
    )  # fmt: skip


def busy(pods: int, *, room: int = 450) -> Scenario:
    """Return the demo's cluster with one node of many pods that soon stop, and one for them all."""
    names = ("node-1", "node-2")
    web = Workload(
        kind="ReplicaSet", namespace="shop", name="web", replicas=pods, on=names[:1],
        stop_after=0.2, start_after=0.1,
    )  # fmt: skip
    nodes = tuple(Node(name=name, cpu="256", memory="1024Gi", pods=room) for name in names)
    return Scenario(name="demo", nodes=nodes, workloads=(web,))
