"""Builders of pods, nodes and budgets for these tests."""

from typing import Any

from jobs.drain.facts import Budget, Controller, Node, Pod
from jobs.drain.workloads import Workload, Workloads
from jobs.selectors import Selector, parse

NOW = 1_800_000_000_000
# What runs the pods made here may be down while they move: the plan named it.
NAMED = Workloads(
    known={"shop/Deployment/web": Workload(kind="Deployment", name="shop/web", replicas=1)},
    keys={"uid-web-5d9": "shop/Deployment/web"},
    named=frozenset({"shop/web"}),
)
SELECTS_ALL = Selector()


def replica_set(name: str = "web-5d9") -> Controller:
    return Controller(kind="ReplicaSet", name=name, uid=f"uid-{name}")


def daemon_set(name: str = "agent") -> Controller:
    return Controller(kind="DaemonSet", name=name, uid=f"uid-{name}")


def job(name: str = "train") -> Controller:
    return Controller(kind="Job", name=name, uid=f"uid-{name}", api_version="batch/v1")


def pod(name: str = "web-1", **fields: Any) -> Pod:
    given: dict[str, Any] = {
        "namespace": "shop",
        "name": name,
        "uid": f"uid-{name}",
        "node": "node-1",
        "labels": {"app": name.rsplit("-", 1)[0]},
        "controller": replica_set(),
        "started": NOW - 1000,
    }
    return Pod(**{**given, **fields})


def node(**fields: Any) -> Node:
    given: dict[str, Any] = {"name": "node-1", "uid": "uid-node-1", "resource_version": "7"}
    return Node(**{**given, **fields})


def budget(name: str = "web", *, app: str = "web", version: str = "1", **fields: Any) -> Budget:
    given: dict[str, Any] = {
        "namespace": "shop",
        "name": name,
        "uid": f"uid-budget-{name}",
        "resource_version": version,
        "selector": parse(f"app={app}") if app else SELECTS_ALL,
        "min_available": 2,
        "current_healthy": 2,
        "desired_healthy": 2,
        "expected_pods": 2,
    }
    return Budget(**{**given, **fields})
