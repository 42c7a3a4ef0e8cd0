"""The cluster of the story: one node for each thing that can happen."""

from sandbox.cluster import Budget, Node, Scenario, Workload

NODES = tuple(f"node-{number}" for number in range(1, 10))
_ROOM = {"node-1": 7, "node-7": 41, **{f"node-{number}": 2 for number in range(2, 7)}}
_SPARE = "node-9"  # where replacements go first
APPROVED = ("db-1", "db-2")  # nodes whose drain needs somebody's approval
STRAY = "stray-1"  # whose cordon somebody takes away in the middle


def _guarded(name: str, node: str, *, replicas: int = 2) -> tuple[Workload, Budget]:
    """Return a StatefulSet whose budget wants all of its pods: it blocks the node for good."""
    workload = Workload(
        kind="StatefulSet",
        namespace="payments",
        name=name,
        replicas=replicas,
        on=(node, _SPARE),
        stop_after=0.2,
        start_after=0.2,
    )
    budget = Budget(
        namespace="payments", name=name, min_available=replicas, match_labels={"app": name}
    )
    return workload, budget


def story() -> Scenario:
    """Return the cluster: node-1 is easy, node-2 to node-6 are blocked each by its own budget.

    node-7 has many pods that are slow to stop, for a worker that dies in the middle. The policy
    wants an approval for db-1 and db-2, and stray-1 is uncordoned while its pod stops.
    """
    guarded = [
        _guarded("retried", "node-2"),
        _guarded("forced", "node-3"),
        _guarded("skipped", "node-4"),
        _guarded("freed", "node-5"),
        _guarded("aborted", "node-6"),
    ]
    easy = _shop("web", 6, "node-1", stop_after=0.4, start_after=0.2)
    crowd = _shop("crowd", 40, "node-7", stop_after=1.5)
    slow = _shop("slow", 1, STRAY, stop_after=4)
    agent = Workload(kind="DaemonSet", namespace="kube-system", name="agent", stop_after=0.1)
    return Scenario(
        name="demo",
        nodes=tuple(
            # No room for more than is there: what leaves one node goes to the last two.
            Node(name=name, cpu="64", memory="256Gi", pods=_ROOM.get(name, 250))
            for name in NODES
        )
        + tuple(Node(name=name, labels={"pool": "db"}, pods=2) for name in APPROVED)
        + (Node(name=STRAY, pods=2),),
        workloads=(easy, crowd, slow, agent, *(workload for workload, _ in guarded)),
        budgets=tuple(budget for _, budget in guarded),
    )


def _shop(
    name: str, replicas: int, node: str, *, stop_after: float, start_after: float = 0.1
) -> Workload:
    """Return a Deployment of the shop with all its copies on one node."""
    return Workload(
        kind="Deployment", namespace="shop", name=name, replicas=replicas, on=(node,),
        stop_after=stop_after, start_after=start_after,
    )  # fmt: skip
