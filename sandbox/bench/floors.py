"""The floor: how fast this simulated cluster lets any client drain its nodes.

Bare threads send the same evictions as drainbot, each with its pod's uid, over connections that
stay open, with one watch of each node's pods (and one of the budgets where there are any). No
Redis, no library, no checks: whatever is slower than this is the client's own cost.

`python -m sandbox.bench.floors` is a process of its own. It reads a JSON line
`{port, nodes, at_once, namespace}` from standard input for each run, and answers with the seconds
from before its first request until its watches told that the last pod is gone.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

from sandbox.bench.wire import CREATED, MERGE, TOO_MANY, Connection, watch

SENDERS = 32  # threads with a connection each; as many as a drain has evictions in flight
_GONE = b'{"type":"DELETED"'


class _Floor:
    """One run: nodes wait in line for one of `at_once` threads, evictions for a sender."""

    def __init__(self, port: int, namespace: str) -> None:
        self._port = port
        self._namespace = namespace
        self._own = threading.local()
        self._opened: list[Connection] = []
        self._senders = ThreadPoolExecutor(SENDERS)

    def close(self) -> None:
        """End the senders and close all connections."""
        self._senders.shutdown()
        for connection in self._opened:
            connection.close()

    def drain(self, node: str) -> None:
        """Cordon, list, evict all, and watch until all are gone."""
        connection = self._connection()
        cordon = json.dumps({"spec": {"unschedulable": True}}).encode()
        connection.ask("PATCH", f"/api/v1/nodes/{node}", cordon, MERGE)
        path = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}"
        listed = json.loads(connection.ask("GET", path))
        pods = [pod["metadata"] for pod in listed["items"]]
        left = len(pods)
        with closing(Connection(self._port)) as watched:
            events = watch(watched, path, listed["metadata"]["resourceVersion"])
            if self._namespace:
                self._submit(self._paced, pods)
            else:
                for pod in pods:
                    self._submit(self._evict, pod)
            while left:
                left -= next(events).startswith(_GONE)

    def _submit(self, work: Callable[[Any], Any], given: Any) -> None:
        self._senders.submit(work, given).add_done_callback(_or_die)

    def _connection(self) -> Connection:
        """Return this thread's connection."""
        if not hasattr(self._own, "connection"):
            self._own.connection = Connection(self._port)
            self._opened.append(self._own.connection)
        return self._own.connection  # type: ignore[no-any-return]  # a thread's own

    def _evict(self, pod: dict[str, Any]) -> bool:
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod["name"], "namespace": pod["namespace"]},
            "deleteOptions": {"preconditions": {"uid": pod["uid"]}},
        }
        path = f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}/eviction"
        status, answer = self._connection().send("POST", path, json.dumps(body).encode())
        if status not in (CREATED, TOO_MANY):
            raise RuntimeError(f"an eviction was answered {status}: {answer[:200]!r}")
        return status == CREATED

    def _paced(self, pods: list[dict[str, Any]]) -> None:
        """Evict one after the other, each as soon as the namespace's one budget allows it."""
        path = f"/apis/policy/v1/namespaces/{self._namespace}/poddisruptionbudgets"
        listed = json.loads(self._connection().ask("GET", path))
        allowed = int(listed["items"][0]["status"]["disruptionsAllowed"])
        waiting = list(reversed(pods))
        with closing(Connection(self._port)) as watched:
            events = watch(watched, path, listed["metadata"]["resourceVersion"])
            while waiting:
                if allowed and self._evict(waiting[-1]):
                    waiting.pop()
                    allowed -= 1
                else:
                    status = json.loads(next(events))["object"]["status"]
                    allowed = int(status["disruptionsAllowed"])


def _or_die(done: "Future[Any]") -> None:
    """End the process where a sender failed: its pod would be waited for in vain."""
    error = done.exception()
    if error is not None:
        print(f"floor: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def run(port: int, nodes: list[str], at_once: int, namespace: str) -> float:
    """Drain nodes, so many at once; returns the seconds that it took.

    `namespace` names one whose single budget covers all pods: then they go as it allows.
    """
    with closing(_Floor(port, namespace)) as floor, ThreadPoolExecutor(at_once) as pool:
        began = time.monotonic()
        list(pool.map(floor.drain, nodes))
        return time.monotonic() - began


class Floor:
    """The process of the floor, as a bench talks to it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def drain(self, port: int, nodes: list[str], *, at_once: int = 1, namespace: str = "") -> float:
        """Have these nodes drained; returns the seconds (see :func:`run`)."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the floor has no pipes")
        asked = {"port": port, "nodes": nodes, "at_once": at_once, "namespace": namespace}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the floor failed: see its words above")
        return float(answer)


@contextmanager
def floor() -> Iterator[Floor]:
    """Run the floor's process for as long as the context lasts."""
    command = [sys.executable, "-m", "sandbox.bench.floors"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Floor(process)
        process.communicate()


def main() -> None:
    """Serve runs until standard input ends."""
    for line in sys.stdin:
        print(run(**json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
