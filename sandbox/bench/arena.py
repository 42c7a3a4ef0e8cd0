"""A simulated cluster in a process of its own, begun anew before each drain that is timed."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from sandbox.bench.figures import say
from sandbox.cluster import Scenario
from sandbox.processes import Process

_START_LIMIT = 60.0  # seconds, for a cluster of thousands of pods
_ANSWER_LIMIT = 60.0
_OK = 200


class Arena:
    """The cluster as a bench sees it. What the bench itself asks is not counted."""

    def __init__(self, url: str, kubeconfig: Path) -> None:
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.kubeconfig = kubeconfig
        self._http = urllib3.PoolManager(maxsize=1, retries=False)
        self._looks = 0

    def reset(self) -> None:
        """Begin the scenario anew, with new uids, an empty log and no requests."""
        self._ask("POST", "/_sandbox/reset")
        self._looks = 0

    def uid(self, node: str) -> str:
        """Return a node's uid."""
        return str(self._look(f"/api/v1/nodes/{node}")["metadata"]["uid"])

    def pods_on(self, node: str) -> int:
        """Return how many pods are on a node."""
        return len(self._look(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")["items"])

    def asked(self) -> int:
        """Return how many requests the API has had since the reset, without the bench's own."""
        counters: dict[str, int] = self._ask("GET", "/_sandbox/counters")
        return sum(counters.values()) - self._looks

    def evictions(self) -> list[float]:
        """Return when each eviction that was carried out came, in seconds since the epoch."""
        return [
            entry["time"]
            for entry in self._ask("GET", "/_sandbox/requests")
            if entry["resource"] == "pods/eviction" and entry["carried_out"]
        ]

    def _look(self, path: str) -> Any:
        self._looks += 1
        return self._ask("GET", path)

    def _ask(self, method: str, path: str) -> Any:
        answer = self._http.request(method, self.url + path, timeout=_ANSWER_LIMIT)
        if answer.status != _OK:
            raise RuntimeError(f"the simulated cluster answered {answer.status} to {path}")
        return json.loads(answer.data)


@contextmanager
def arena(scenario: Scenario) -> Iterator[Arena]:
    """Run a cluster in a process of its own for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="drainbot-arena-") as directory:
        file, kubeconfig = Path(directory) / "scenario.yaml", Path(directory) / "kubeconfig"
        file.write_text(scenario.model_dump_json(), encoding="utf-8")  # JSON is YAML too
        command = [sys.executable, "-m", "sandbox.cluster", "--scenario", str(file)]
        with Process(
            [*command, "--kubeconfig", str(kubeconfig)], name="cluster", output=_complaint
        ) as process:
            url = process.wait_for_line(r"^http://\S+", within_s=_START_LIMIT)[0]
            yield Arena(url, kubeconfig)


def _complaint(line: str) -> None:
    """Pass on what the cluster says beside its address: a bench that fails should say why."""
    if not line.startswith("http://"):
        say(f"cluster: {line}")
