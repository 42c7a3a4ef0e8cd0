"""What chaos is played on: nodes, workloads of all sorts, budgets that can close, a policy."""

from typing import Any

from sandbox.chaos.plan import Cast
from sandbox.cluster import Budget, Node, Scenario, Workload

__all__ = ["NAMESPACE", "POLICY", "closed", "opened", "scene"]

NAMESPACE = "shop"
POLICY = """\
team: T0SANDBOX
clusters:
  demo: {}
channels:
  C0OPS: {cluster: demo}
groups:
  sre: [U0ANA, U0BO, U0CY]
  oncall: [U0BO, U0CY]
rules:
  - match: {labels: {pool: quick}}
    request: [sre]
    start: at_once
    decide: [sre]
    force: {by: [oncall], votes: 2, reason: required}
    max_nodes: 6
  - match: {}
    request: [sre]
    start: when_noteworthy
    decide: [sre]
    force: {by: [oncall], votes: 2, reason: required}
    max_nodes: 6
fallback_channel: C0OPS
questions: {remind: 4s, stop_after: 10m}
defaults:
  ask_after: 2s
  auto_resume_after_free: 500ms
  evictions_per_second: 6
  nodes_away: 2
  node_timeout: 10m
  owners_well_within: 8s
"""
# What a budget asks for while it lets pods go, and while it does not.
_OPEN: dict[str, dict[str, Any]] = {
    "api": {"maxUnavailable": 2}, "db": {"minAvailable": 4}, "queue": {"minAvailable": 2},
}  # fmt: skip
_CLOSED: dict[str, dict[str, Any]] = {
    "api": {"maxUnavailable": 0}, "db": {"minAvailable": 6}, "queue": {"minAvailable": 4},
}  # fmt: skip


def scene(cast: Cast) -> Scenario:
    """Return the cluster: there is room for everything on any two of its nodes."""
    names = tuple(f"node-{number}" for number in range(1, cast.nodes + 1))

    def workload(kind: Any, name: str, replicas: int, **more: Any) -> Workload:
        quick = {"stop_after": 0.2, "start_after": 0.2, "grace": 5}
        return Workload(
            kind=kind, namespace=NAMESPACE, name=name, replicas=replicas, **{**quick, **more}
        )

    return Scenario(
        name="demo",
        nodes=tuple(
            Node(
                name=name,
                cpu="64",
                memory="256Gi",
                labels={"pool": "quick" if number % 4 else "careful"},
            )
            for number, name in enumerate(names)
        ),
        workloads=(
            workload("Deployment", "web", 3 * len(names), on=names),
            workload("Deployment", "slow", 2 * len(names), on=names, stop_after=2.5),
            workload("Deployment", "api", 8, on=names, start_after=1.5),
            workload("StatefulSet", "db", 6, on=names, parallel=True, start_after=1),
            workload("StatefulSet", "queue", 4, on=names[:4], start_after=2),
            workload("Deployment", "single", 1, on=names[-1:]),
            workload("Deployment", "pair", 2, on=names[:1], start_after=2),
            workload("Deployment", "scratch", 3, on=names, emptydir=True),
            workload("DaemonSet", "agent", 1, on=names),
        ),
        budgets=tuple(
            Budget(namespace=NAMESPACE, name=name, match_labels={"app": name}, **_limit(spec))
            for name, spec in _OPEN.items()
        ),
    )


def opened(budget: str) -> dict[str, Any]:
    """Return the patch that lets a budget's pods go."""
    return {"spec": _OPEN[budget]}


def closed(budget: str) -> dict[str, Any]:
    """Return the patch that lets none of them go."""
    return {"spec": _CLOSED[budget]}


def _limit(spec: dict[str, Any]) -> dict[str, Any]:
    snake = {"minAvailable": "min_available", "maxUnavailable": "max_unavailable"}
    return {snake[name]: value for name, value in spec.items()}
