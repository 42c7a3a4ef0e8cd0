"""The cluster and the workspace of the live demo: each node shows one thing."""

from sandbox.cluster import Budget, Node, Scenario, Workload
from sandbox.slack import Workspace, demo_workspace

__all__ = ["CHANNEL", "live_cluster", "live_workspace"]

CHANNEL = "ops"
_SPARES = ("node-6", "node-7")
_APPROVED = 3  # the node that the policy has a rule of its own for
_PODS = 250  # room on a node that takes what leaves the others


def live_cluster() -> Scenario:
    """Return the cluster.

    - node-1: nothing in the way; its pods take their time to stop.
    - node-2: `payments/db` wants all its pods. One more replica frees it.
    - node-3: `payments/ledger` wants all its pods. A lower minimum frees it. The policy wants an
      approval for it.
    - node-4: two budgets cover `tools/wiki`. No eviction will ever pass: Force, or Skip.
    - node-5: many pods that a budget lets go a few at a time: long enough to kill the worker.
    """
    workloads = (*_easy(), *_blocked(), *_rolling(), _agent())
    return Scenario(
        name="demo",
        nodes=tuple(
            # Full as they are, so that what leaves one goes to the last two, and each stays itself.
            Node(
                name=f"node-{number}",
                labels={"pool": "db"} if number == _APPROVED else {},
                cpu="64",
                memory="256Gi",
                pods=_room(number, workloads),
            )
            for number in range(1, 8)
        ),
        workloads=workloads,
        budgets=(
            _needs("payments", "db", 3),
            _needs("payments", "ledger", 2),
            _needs("tools", "wiki", 1),
            _needs("tools", "wiki-old", 1, app="wiki"),
            Budget(
                namespace="shop",
                name="checkout",
                max_unavailable=4,
                match_labels={"app": "checkout"},
            ),
        ),
    )


def live_workspace() -> Workspace:
    """Return Ana, who asks, and Bo and Cy, who may also force; one channel; Socket Mode."""
    demo = demo_workspace()
    people = tuple(user for user in demo.users if not user.guest and not user.team)
    ids = {user.id for user in people} | {app.bot_user for app in demo.apps}
    ops = next(channel for channel in demo.channels if channel.name == CHANNEL)
    return Workspace(
        users=people,
        channels=(ops.model_copy(update={"members": ops.members & ids}),),
        apps=(demo.apps[0].model_copy(update={"socket_mode": True}),),
    )


def _easy() -> tuple[Workload, ...]:
    apps = {
        "web": (4, 1.0),
        "search": (3, 2.2),
        "images": (2, 3.4),
        "cart": (2, 4.6),
        "mail": (2, 5.8),
        "queue": (1, 7.0),
    }
    return tuple(
        Workload(
            kind="Deployment",
            namespace="shop",
            name=name,
            replicas=replicas,
            on=("node-1",),
            stop_after=stop_after,
            start_after=0.8,
        )
        for name, (replicas, stop_after) in apps.items()
    )


def _blocked() -> tuple[Workload, ...]:
    def stateful(namespace: str, name: str, *on: str) -> Workload:
        return Workload(
            kind="StatefulSet",
            namespace=namespace,
            name=name,
            replicas=len(on),
            on=on,
            stop_after=1.5,
            start_after=1.0,
        )

    def small(name: str, node: str) -> Workload:
        return Workload(
            kind="Deployment",
            namespace="shop",
            name=name,
            replicas=5,
            on=(node,),
            stop_after=1.8,
            start_after=0.8,
        )

    return (
        stateful("payments", "db", "node-2", *_SPARES),
        stateful("payments", "ledger", "node-3", _SPARES[0]),
        stateful("tools", "wiki", "node-4", _SPARES[1]),
        small("ads", "node-2"),
        small("reviews", "node-3"),
        small("labels", "node-4"),
    )


def _rolling() -> tuple[Workload, ...]:
    return (
        Workload(
            kind="Deployment",
            namespace="shop",
            name="checkout",
            replicas=32,
            on=("node-5",),
            stop_after=1.5,
            start_after=2.0,
        ),
    )


def _agent() -> Workload:
    return Workload(kind="DaemonSet", namespace="kube-system", name="agent", stop_after=0.1)


def _needs(namespace: str, name: str, pods: int, *, app: str = "") -> Budget:
    return Budget(
        namespace=namespace,
        name=name,
        min_available=pods,
        match_labels={"app": app or name},
    )


def _room(number: int, workloads: tuple[Workload, ...]) -> int:
    """Return how many pods are on a node from the start, one of the DaemonSet's among them."""
    name = f"node-{number}"
    if name in _SPARES:
        return _PODS
    there = 1
    for workload in workloads:
        if workload.on:
            there += sum(
                workload.on[index % len(workload.on)] == name for index in range(workload.replicas)
            )
    return there
