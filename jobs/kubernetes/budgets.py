"""PodDisruptionBudgets of a namespace: listed and watched."""

from jobs.drain.facts import Budget
from jobs.kubernetes import parse
from jobs.kubernetes.connection import Cluster, segment
from jobs.kubernetes.watching import Collection, Watch, list_all


def budgets_of(namespace: str) -> Collection[Budget]:
    """Return the collection of a namespace's budgets."""
    path = f"/apis/policy/v1/namespaces/{segment(namespace)}/poddisruptionbudgets"
    return Collection(path, parse.budget)


def list_budgets(cluster: Cluster, namespace: str) -> tuple[tuple[Budget, ...], str]:
    """Return a namespace's budgets, and the resourceVersion to watch from."""
    return list_all(cluster, budgets_of(namespace))


def watch_budgets(cluster: Cluster, namespace: str, *, version: str = "") -> Watch[Budget]:
    """Return a watch of a namespace's budgets; without a version it begins with a list."""
    return Watch(cluster, budgets_of(namespace), version=version)
