"""The probes of a worker, answered by a process of its own under a real worker's supervisor."""

import json
import sys
from pathlib import Path
from typing import Any

import urllib3

from sandbox.cluster import nodes, running
from sandbox.demo.stage import POLICY
from sandbox.processes import Process, free_port
from tests.jobs.harness import until


def _ask(port: int, path: str) -> tuple[int, Any]:
    try:
        answer = urllib3.request("GET", f"http://127.0.0.1:{port}{path}", retries=False, timeout=2)
    except urllib3.exceptions.HTTPError:
        return 0, {}
    return answer.status, json.loads(answer.data)


def test_a_worker_is_alive_at_once_and_ready_when_its_keeper_is(
    redis_url: str, tmp_path: Path
) -> None:

    port = free_port()
    with running(nodes("node-1", name="demo")) as cluster:
        environment = {
            "PATH": "/usr/bin:/bin",
            "DRAINBOT_REDIS_URL": redis_url,
            "DRAINBOT_CLUSTER": "demo",
            "DRAINBOT_POLICY": str(POLICY),
            "KUBECONFIG": str(cluster.kubeconfig(tmp_path / "kubeconfig")),
            "DRAINBOT_PROBE_LISTEN": f"127.0.0.1:{port}",
        }
        command = [sys.executable, "-m", "bot.cli", "worker", "--slots", "1"]
        with Process(command, name="worker", env=environment):
            until(lambda: _ask(port, "/healthz")[0] == 200, what="/healthz")
            until(lambda: _ask(port, "/readyz") == (200, {"status": "ready", "worker": "ok"}))
            assert _ask(port, "/else")[0] == 404
    assert _ask(port, "/healthz")[0] == 0
