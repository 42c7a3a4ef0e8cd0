"""What the story is played on: a node with three pods, one of them held by a budget."""

from sandbox.cluster import Budget, Node, Scenario, Workload

__all__ = ["BLOCKED", "NODE", "POLICY", "SPARE", "scene"]

NODE = "node-1"
SPARE = "node-2"
BLOCKED = "db-0"

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
  - match: {}
    request: [sre]
    start: at_once
    decide: [sre]
    force: {by: [oncall], votes: 1, reason: required}
    max_nodes: 6
fallback_channel: C0OPS
questions: {remind: 200ms}
defaults: {ask_after: 300ms, auto_resume_after_free: 1s, evictions_per_second: 1000}
"""


def _pods(name: str) -> Workload:
    # StatefulSets, because their pods come back under the same names: the next eviction under a
    # name must never hit the pod that replaced the one which was meant.
    return Workload(
        kind="StatefulSet", namespace="shop", name=name, replicas=2, on=(NODE, SPARE), grace=2,
        stop_after=0.1, start_after=0.1,
    )  # fmt: skip


def scene() -> Scenario:
    """Return the cluster; replacements find room on the second node only."""
    return Scenario(
        name="demo",
        nodes=(
            Node(name=NODE, cpu="64", memory="256Gi"),
            Node(name=SPARE, cpu="64", memory="256Gi"),
        ),
        workloads=(_pods("web"), _pods("api"), _pods("db")),
        budgets=(Budget(namespace="shop", name="db", min_available=2, match_labels={"app": "db"}),),
    )
