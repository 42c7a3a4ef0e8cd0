"""The scenarios that have names, and the small functions that make them."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

from sandbox.cluster.scenario import Budget, Node, Scenario, ScenarioError, Workload, read_scenario

__all__ = ["NAMED", "crowd", "demo", "fleet", "load", "nodes"]

_DEMO_NODES = ("node-1", "node-2", "node-3", "node-4", "node-5", "node-6")


def nodes(*names: str, name: str = "test") -> Scenario:
    """Return a cluster with these nodes and nothing on them."""
    return Scenario(name=name, nodes=tuple(Node(name=one) for one in names))


def _pool(number: int) -> str:
    return "blue" if number < len(_DEMO_NODES) // 2 else "green"


def _deployment(
    namespace: str, name: str, on: Sequence[str], *, stop_after: float, start_after: float = 1.0
) -> Workload:
    return Workload(
        kind="Deployment",
        namespace=namespace,
        name=name,
        replicas=len(on),
        on=tuple(on),
        requests={"cpu": "250m", "memory": "256Mi"},
        stop_after=stop_after,
        start_after=start_after,
    )


def demo() -> Scenario:
    """Return the cluster of the demo: two pools, a few teams, one budget that always blocks.

    `payments/db` wants all three of its pods, so no eviction of one is ever allowed; `shop/web` has
    a budget with room; `tools/wiki` is a single replica without one.
    """
    one, two, three, four, five, six = _DEMO_NODES
    workloads = (
        Workload(
            kind="StatefulSet",
            namespace="payments",
            name="db",
            replicas=3,
            on=(one, two, four),
            requests={"cpu": "500m", "memory": "1Gi"},
            stop_after=2.0,
            start_after=1.5,
        ),
        _deployment("payments", "api", (one, two, three, five), stop_after=1.2),
        _deployment("payments", "ledger", (three, four, six), stop_after=0.8),
        _deployment("shop", "web", (*_DEMO_NODES, one, two), stop_after=0.5),
        _deployment("shop", "cart", (one, three, five, six), stop_after=0.9),
        _deployment("shop", "search", (two, four, five), stop_after=1.5),
        _deployment("shop", "images", (one, four, six), stop_after=0.3),
        _deployment("tools", "wiki", (one,), stop_after=0.7),
        _deployment("tools", "queue", (two, three, six), stop_after=1.0),
        _deployment("tools", "mail", (three, four, five, six), stop_after=0.4),
        Workload(
            kind="DaemonSet",
            namespace="kube-system",
            name="node-agent",
            requests={"cpu": "50m", "memory": "64Mi"},
            stop_after=0.3,
        ),
    )
    return Scenario(
        name="demo",
        nodes=tuple(
            Node(name=name, labels={"pool": _pool(number)})
            for number, name in enumerate(_DEMO_NODES)
        ),
        workloads=workloads,
        budgets=(
            Budget(namespace="payments", name="db", min_available=3, match_labels={"app": "db"}),
            Budget(namespace="shop", name="web", max_unavailable=3, match_labels={"app": "web"}),
        ),
    )


def crowd(pods: int = 220, *, stop_after: float = 0.5) -> Scenario:
    """Return one crowded node and an empty one beside it: the measure of a drain's speed."""
    return Scenario(
        name="crowd",
        nodes=(
            Node(name="node-1", cpu="64", memory="256Gi"),
            Node(name="node-2", cpu="64", memory="256Gi"),
        ),
        workloads=(
            Workload(
                kind="ReplicaSet",
                namespace="crowd",
                name="many",
                replicas=pods,
                on=("node-1",),
                stop_after=stop_after,
            ),
        ),
    )


def fleet(count: int = 200, pods: int = 30, *, stop_after: float = 0.5) -> Scenario:
    """Return many nodes with `pods` pods each (a multiple of 3), in three teams.

    Every workload has a pod on each node; the first of each team has a budget of 10 %.
    """
    names = tuple(f"node-{number}" for number in range(1, count + 1))
    return Scenario(
        name="fleet",
        nodes=tuple(Node(name=name, cpu="64", memory="256Gi") for name in names),
        workloads=tuple(
            Workload(
                kind="ReplicaSet",
                namespace=f"team-{team}",
                name=f"app-{app}",
                replicas=count,
                on=names,
                stop_after=stop_after,
            )
            for team, app in product(range(3), range(pods // 3))
        ),
        budgets=tuple(
            Budget(
                namespace=f"team-{team}",
                name="app-0",
                max_unavailable="10%",
                match_labels={"app": "app-0"},
            )
            for team in range(3)
        ),
    )


NAMED: Mapping[str, Callable[[], Scenario]] = {
    "crowd": crowd,
    "demo": demo,
    "empty": lambda: Scenario(name="empty"),
    "fleet": fleet,
}
"""The scenarios by name."""


def load(wanted: str) -> Scenario:
    """Return a scenario by its name, or from a file. Raises ScenarioError."""
    if wanted in NAMED:
        return NAMED[wanted]()
    path = Path(wanted)
    if not path.exists():
        raise ScenarioError(
            f"There is no scenario and no file {wanted!r}. Scenarios: {', '.join(sorted(NAMED))}."
        )
    return read_scenario(path)
