"""`drainbot plan`: what a drain would do, on the command line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from jobs.durable import Store
from jobs.inventory import InventoryStore
from jobs.models import (
    NodePlan,
    NodeView,
    OperationEnd,
    OperationPlan,
    OperationState,
    OperationView,
    Room,
)
from sandbox.cluster import nodes, running
from sandbox.processes import Process
from tests.bot.listeners.listening import NOW, OPERATION, VIEW, FakeClient
from tests.bot.running import CLUSTER, POLICY, TOKEN, environment, eventually

Run = Callable[..., tuple[int, str, str]]


def planned(end: OperationEnd = OperationEnd.PLANNED, detail: str = "") -> OperationView:
    nodes = (NodePlan(name="node-17", uid="n17", evict=21, seconds=350),)
    plan = OperationPlan(nodes=nodes, digest="3f9a", as_of=NOW, seconds=350, room=Room(fits=True))
    return VIEW.model_copy(
        update={
            "state": OperationState.ENDED,
            "end": end,
            "ended_at": NOW,
            "nodes": (NodeView(name="node-17"),),
            "plan": plan if end is OperationEnd.PLANNED else None,
            "plan_only": True,
            "detail": detail,
            "questions": (),
            "log": (),
        }
    )


@pytest.mark.parametrize(
    "asked", [("plan", "node-17", "--force"), ("drain", "node-17", "--plan", "--force")]
)
def test_a_plan_is_waited_for_and_printed(
    client: FakeClient, run: Run, asked: tuple[str, ...]
) -> None:
    client.views[OPERATION] = planned()
    code, out, err = run(*asked)
    assert (code, err) == (0, "")
    assert "node-17 · 21 pods move · about 6 min · fits on the other nodes" in out
    assert "nothing was changed" in out
    assert "waiting its turn" not in out
    (request,) = client.asked.values()
    assert (request.plan_only, request.options.force) == (True, True)


def test_a_plan_for_a_program_is_the_operation_on_one_line(client: FakeClient, run: Run) -> None:
    client.views[OPERATION] = planned()
    code, out, _ = run("plan", "node-17", "--json")
    assert code == 0
    assert OperationView.model_validate_json(out).plan == planned().plan


@pytest.mark.parametrize(
    ("end", "code"),
    [(OperationEnd.REFUSED, 3), (OperationEnd.FAILED, 1), (OperationEnd.ABORTED, 1)],
)
def test_a_plan_that_could_not_be_made_ends_with_another_code(
    client: FakeClient, run: Run, end: OperationEnd, code: int
) -> None:
    client.views[OPERATION] = planned(end, "There is no node node-17.")
    client.workers = False
    got, out, err = run("plan", "node-17")
    assert (got, out) == (code, "")
    assert "no worker is alive" in err


def drainbot(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot.cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_worker_makes_the_plan_and_the_cluster_stays_as_it_was(
    redis: "Redis", redis_url: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=2, on=["node-1"])
        cluster.add_workload("Pod", "ops", "bare", on=["node-1"])
        kubeconfig = str(cluster.kubeconfig(tmp_path / "kubeconfig"))
        env = environment(redis_url, policy, DRAINBOT_TOKEN=TOKEN, KUBECONFIG=kubeconfig)
        worker = [sys.executable, "-m", "bot.cli", "worker", "--slots", "1"]
        with Process(worker, name="worker", env=env):
            inventory = InventoryStore(Store(redis, CLUSTER))
            eventually(lambda: inventory.read().as_of)
            asked = drainbot(env, "plan", "node-1", "--reason", "disk swap")
            machine = drainbot(env, "drain", "--plan", "node-1", "--json")
        changes = cluster.requests()
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "node-1 · 2 pods move · under 1 min · fits on the other nodes" in asked.stdout
    assert "Will ask about ops/bare" in asked.stdout
    view = OperationView.model_validate_json(machine.stdout)
    assert (machine.returncode, view.end) == (0, OperationEnd.PLANNED)
    assert not changes
