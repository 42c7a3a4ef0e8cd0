"""A worker that is halted says so on its probes, until a person clears that at the command line."""

import json
import subprocess
import sys
from pathlib import Path

from redis import Redis

from jobs.durable import Store
from jobs.hosts import Lives
from jobs.hosts.lives import readable
from jobs.workload import Gone, observe
from sandbox.cluster import nodes, running
from sandbox.processes import Process, free_port
from tests.bot.running import CLUSTER, POLICY, TOKEN, environment
from tests.bot.test_worker_probes import _ask
from tests.jobs.harness import until


def clear_halt(env: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    run = subprocess.run(
        [sys.executable, "-m", "bot.cli", "clear-halt", *arguments],
        env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return run.returncode, run.stdout, run.stderr


def test_a_halted_worker_is_not_ready_until_a_person_has_cleared_that(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    policy, port = tmp_path / "policy.yaml", free_port()
    policy.write_text(POLICY)
    lives = Lives(Store(redis, CLUSTER))
    with running(nodes("node-1", name=CLUSTER)) as cluster:
        env = environment(
            redis_url, policy, DRAINBOT_TOKEN=TOKEN, DRAINBOT_NODE_NAME="node-1",
            DRAINBOT_PROBE_LISTEN=f"127.0.0.1:{port}", DRAINBOT_CLUSTER=CLUSTER,
            KUBECONFIG=str(cluster.kubeconfig(tmp_path / "kubeconfig")),
        )  # fmt: skip
        with Process([sys.executable, "-m", "bot.cli", "worker"], name="worker", env=env) as worker:
            ready = {"status": "ready", "worker": "ok", "node": "ok"}
            until(lambda: _ask(port, "/readyz") == (200, ready), within=60, what="a worker")
            life = until(lambda: readable(lives.kept("node-1")), within=60, what="its life")
            halted = observe(life, Gone("Node node-1 is gone."))
            assert halted is not None
            assert lives.keep("node-1", lives.kept("node-1"), halted.life)
            until(lambda: _ask(port, "/readyz")[0] == 503, within=60, what="its halt")
            said = _ask(port, "/readyz")[1]["node"]
            assert said.startswith("halted: Node node-1 is gone. Look at it, then: drainbot clear")
            until(lambda: any("worker_halted" in line for line in worker.lines()), within=60)

            assert clear_halt(env, "node-1", "--why", " ")[0] == 3
            code, out, _ = clear_halt(env, "node-1", "--why", "looked at it", "--json")
            assert code == 0
            assert json.loads(out)["done"] == "The workers on node-1 take work again."
            until(lambda: _ask(port, "/readyz") == (200, ready), within=60, what="its return")
        code, _, err = clear_halt(env, "node-1", "--why", "again")
        assert (code, "There is no halt to clear." in err) == (3, True)


def test_a_halt_is_cleared_over_redis_and_by_no_server(redis_url: str, tmp_path: Path) -> None:
    env = environment(redis_url, tmp_path / "policy.yaml", DRAINBOT_TOKEN=TOKEN)
    code, _, err = clear_halt(env, "node-1", "--why", "so", "--server", "http://127.0.0.1:1")
    assert (code, "without --server" in err) == (2, True)
