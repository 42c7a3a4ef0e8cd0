"""What a person does to the cluster beside the demo: scale, open a budget, uncordon, look."""

from collections.abc import Sequence
from typing import Any

from jobs.models import Inventory
from sandbox.cluster import Cluster
from sandbox.demo.keys import TypingError
from sandbox.demo.narrator import Said

__all__ = ["nodes_table", "open_budget", "scale", "uncordon"]

Json = dict[str, Any]
_SCALED = ("StatefulSet", "Deployment")
_BUDGET = "PodDisruptionBudget"


def scale(cluster: Cluster, name: str, replicas: int = 0) -> Said:
    """Give a workload that many replicas; 0 is one more than it has.

    It goes by its name, or `namespace/name`. Raises :class:`TypingError` if there is none.
    """
    found = _named([one for kind in _SCALED for one in cluster.list(kind)], name, "workload")
    has, wanted = found["spec"]["replicas"], replicas or found["spec"]["replicas"] + 1
    meta = found["metadata"]
    cluster.scale(meta["namespace"], meta["name"], wanted)
    of = f"{found['kind']} {meta['namespace']}/{meta['name']}"
    return Said("cluster", f"{of} scaled from {has} to {wanted}")


def open_budget(cluster: Cluster, name: str) -> Said:
    """Let a budget allow one pod more than its rule does. Raises :class:`TypingError`."""
    found = _named(cluster.list(_BUDGET), name, "budget")
    meta, spec = found["metadata"], found["spec"]
    field, step = ("minAvailable", -1) if "minAvailable" in spec else ("maxUnavailable", 1)
    if not isinstance(spec[field], int):
        raise TypingError(f"budget {meta['name']} counts in percent; this opens whole numbers only")
    if spec[field] + step < 0:
        raise TypingError(f"budget {meta['name']} needs no pod at all: it is as open as can be")
    change = {"spec": {field: spec[field] + step}}
    cluster.patch(_BUDGET, meta["namespace"], meta["name"], change)
    rule = f"{field} {spec[field]} → {spec[field] + step}"
    return Said("cluster", f"budget {meta['namespace']}/{meta['name']} opened: {rule}")


def uncordon(cluster: Cluster, name: str) -> Said:
    """Uncordon a node as `kubectl uncordon` does. Raises :class:`TypingError`."""
    node = _named(cluster.list("Node"), name, "node")
    if not node["spec"].get("unschedulable"):
        raise TypingError(f"{name} is not cordoned: there is nothing to take away.")
    cluster.patch("Node", "", name, {"spec": {"unschedulable": False}})
    return Said("cluster", f"{name} was uncordoned, by nobody of drainbot's")


def nodes_table(cluster: Cluster, inventory: Inventory) -> list[str]:
    """Return nodes and budgets, one a line."""
    rows: list[tuple[str, ...]] = [("node", "", "pods", "drainbot says")]
    for node in cluster.list("Node"):
        name = node["metadata"]["name"]
        pods = [pod for pod in cluster.list("Pod", node=name) if not _of_daemonset(pod)]
        known = inventory.get(name)
        cordoned = "cordoned" if node["spec"].get("unschedulable") else ""
        rows.append((name, cordoned, str(len(pods)), known.mode if known else "not seen yet"))
    budgets: list[tuple[str, ...]] = [("budget", "healthy", "needs", "may go now")]
    for budget in cluster.list(_BUDGET):
        meta, status = budget["metadata"], budget.get("status", {})
        counts = [status.get(k, 0) for k in ("currentHealthy", "desiredHealthy")]
        may_go = status.get("disruptionsAllowed", 0)
        budgets.append((f"{meta['namespace']}/{meta['name']}", *map(str, [*counts, may_go])))
    return [*_table(rows), "", *_table(budgets)]


def _of_daemonset(pod: Json) -> bool:
    return any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences", []))


def _named(found: Sequence[Json], name: str, what: str) -> Json:
    matching = [
        one
        for one in found
        if name in (_name(one), f"{one['metadata'].get('namespace', '')}/{_name(one)}")
    ]
    if len(matching) != 1:
        known = ", ".join(sorted(_name(one) for one in found))
        raise TypingError(f"There is no {what} {name!r}. There are: {known}.")
    return matching[0]


def _name(found: Json) -> str:
    return str(found["metadata"]["name"])


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
