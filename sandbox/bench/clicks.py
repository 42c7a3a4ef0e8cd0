"""From a click that settles a block to the first eviction at the API server."""

import time
from typing import Any

from sandbox.bench.figures import percentile, report, say
from sandbox.bench.rig import Rig, click, rig
from sandbox.cluster import Budget, Node, Scenario, Workload

SAMPLES = 40
_OK = 200


def click_to_eviction() -> None:
    """Measure Retry on blocks whose budget has just been given room: settled, woken, evicted."""
    with rig(
        blocked_scene(SAMPLES), "ask_after: 0s, auto_resume_after_free: 60s, nodes_away: 1"
    ) as stand:
        stand.stage.start_worker(slots=2)
        stand.wait_for("node-1", "node-01")
        say(f"clicks on {SAMPLES} blocks, one after the other")
        samples = [_one(stand, number) for number in range(1, SAMPLES + 1)]
    report("click_to_first_eviction_p50_ms", percentile(samples, 50), "ms", len(samples))
    report("click_to_first_eviction_p99_ms", percentile(samples, 99), "ms", len(samples))


def blocked_scene(samples: int) -> Scenario:
    """Return a cluster with so many nodes, on each of which a pod is blocked by its budget."""
    numbers = range(1, samples + 1)
    workloads = tuple(
        Workload(
            kind="StatefulSet", namespace="pay", name=f"db-{n}", replicas=2,
            on=(f"node-{n}", "spare"), stop_after=0.1, start_after=0.05,
        )
        for n in numbers
    )  # fmt: skip
    return Scenario(
        name="demo",
        nodes=(
            *(Node(name=f"node-{n}", pods=1) for n in numbers),
            Node(name="spare", cpu="64", memory="256Gi", pods=500),
        ),
        workloads=workloads,
        budgets=tuple(
            Budget(
                namespace="pay", name=f"db-{n}", min_available=2, match_labels={"app": f"db-{n}"}
            )
            for n in numbers
        ),
    )


def _one(stand: Rig, number: int) -> float:
    node = f"node-{number}"
    stand.slack.slash("ana", "ops", "/drain", node)
    question = _wait(lambda: _question(stand, node))
    stand.cluster.patch("PodDisruptionBudget", "pay", f"db-{number}", {"spec": {"minAvailable": 1}})
    _wait(lambda: _allowed(stand, number))
    before = len(stand.cluster.requests())
    body, headers = stand.signed(
        click({"q": question, "c": "retry"}, "decide:retry", {"ts": "1.1", "text": "x"})
    )
    pool = stand.pool(1)
    began = time.time()
    answer = pool.request("POST", stand.address, body=body, headers=headers)
    if answer.status != _OK:
        raise RuntimeError(f"the click was answered {answer.status}")
    at: float = _wait(lambda: _evicted_at(stand, before, node))
    pool.clear()
    return (at - began) * 1000


def _question(stand: Rig, node: str) -> str | None:
    """Return the open question about a node: from the state, since Slack takes a post a second."""
    for operation in stand.client.operations("demo", live_only=True):
        for question in operation.open_questions:
            if question.node == node:
                return question.id
    return None


def _allowed(stand: Rig, number: int) -> bool:
    found = stand.cluster.get("PodDisruptionBudget", "pay", f"db-{number}") or {}
    return bool(found.get("status", {}).get("disruptionsAllowed"))


def _evicted_at(stand: Rig, before: int, node: str) -> float | None:
    for entry in stand.cluster.requests()[before:]:
        if entry.resource == "pods/eviction" and entry.node == node:
            return entry.time
    return None


def _wait(look: Any) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.005)
    raise RuntimeError(f"the bench waited in vain: {look}")
