"""A simulated cluster in a thread of its own, and what a test does with it.

    with running(nodes("node-1", "node-2")) as cluster:
        cluster.add_workload("Deployment", "shop", "web", replicas=3, on=["node-1"])
        client = connect(cluster.url)

Every method may be called from any thread: it is carried out on the cluster's loop, in one go.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sandbox.cluster.cluster import SimulatedCluster
from sandbox.cluster.errors import ClusterFailedError
from sandbox.cluster.faults import Fault
from sandbox.cluster.front import Front
from sandbox.cluster.journal import Entry
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.cluster.objects import Item, Json
from sandbox.cluster.resources import Resource, resource
from sandbox.cluster.scenario import Attachment, Budget, Node, Scenario, Workload, WorkloadKind
from sandbox.cluster.selecting import selection
from sandbox.cluster.server import Server, listen
from sandbox.cluster.waiting import Waiter

__all__ = ["Cluster", "View", "running"]

T = TypeVar("T")

_START_S = 30.0


def _public(kind: Resource, item: Item) -> Json:
    return {"kind": kind.kind, "apiVersion": kind.api_version, **item.body}


class View:
    """The objects of the cluster as they are now, for reading. Don't change what it returns."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self._cluster = cluster

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """Return an object by kind (or plural), namespace (`""` for a node) and name, or None."""
        found = resource(kind)
        item = self._cluster.store[found].get(namespace, name)
        return _public(found, item) if item else None

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", node: str = ""
    ) -> list[Json]:
        """Return objects by namespace, label selector, and node (pods only), in order of name."""
        found = resource(kind)
        chosen = selection(namespace, labels, "", {}, KeyError)
        if node:
            chosen = replace(chosen, node=node)
        return [_public(found, item) for item in self._cluster.store[found].select(chosen)]


class Cluster:
    """A running simulated cluster. Made by :func:`running`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, inside: SimulatedCluster, server: Server
    ) -> None:
        self._loop = loop
        self._inside = inside
        self._server = server
        self.url = f"http://127.0.0.1:{server.port}"
        self._view = View(inside)

    def call(self, work: Callable[[SimulatedCluster], T]) -> T:
        """Run a function on the cluster's loop and return what it returns."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work(self._inside))
            except BaseException as error:  # noqa: BLE001  it belongs to the caller's thread
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result(_START_S)

    def kubeconfig(self, path: Path, *, token: str = "") -> Path:
        """Write a kubeconfig for it and return the path."""
        return write_kubeconfig(path, self.url, name=self._inside.scenario.name, token=token)

    # What is there

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """Return an object as :meth:`View.get`."""
        return self.call(lambda _: self._view.get(kind, namespace, name))

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", node: str = ""
    ) -> list[Json]:
        """Return objects as :meth:`View.list`."""
        return self.call(lambda _: self._view.list(kind, namespace, labels=labels, node=node))

    def wait_for(self, true: Callable[[View], T], *, within_s: float = 10.0) -> T:
        """Return what the function returns as soon as that is true, looked at after changes.

        Changes that come together are looked at once. Raises TimeoutError if it never was true.
        """
        waiter = Waiter(lambda: true(self._view))
        self.call(lambda inside: waiter.attach(inside.store))
        try:
            return waiter.done.result(within_s)
        except TimeoutError as error:
            raise TimeoutError(f"it did not become true within {within_s:g} s") from error
        finally:
            self.call(lambda inside: waiter.detach(inside.store))

    # What can be put there and changed

    def add_node(self, name: str, **fields: Any) -> Json:
        """Add a node; fields as of :class:`~sandbox.cluster.scenario.Node`."""
        node = Node(name=name, **fields)
        return self.call(lambda inside: _public(resource("nodes"), inside.builder.node(node)))

    def add_workload(
        self, kind: WorkloadKind, namespace: str, name: str, **fields: Any
    ) -> Sequence[Json]:
        """Add a workload; fields as of :class:`~sandbox.cluster.scenario.Workload`.

        Returns its pods that run already: those that ``on`` put on nodes.
        """
        workload = Workload(kind=kind, namespace=namespace, name=name, **_tuples(fields))
        return self.call(
            lambda inside: [
                _public(resource("pods"), pod) for pod in inside.builder.workload(workload)
            ]
        )

    def add_budget(self, namespace: str, name: str, **fields: Any) -> Json:
        """Add a budget; fields as of :class:`~sandbox.cluster.scenario.Budget`."""
        budget = Budget(namespace=namespace, name=name, **fields)
        kind = resource("poddisruptionbudgets")
        return self.call(lambda inside: _public(kind, inside.builder.budget(budget)))

    def add_attachment(self, name: str, *, node: str, volume: str, attached: bool = True) -> Json:
        """Attach a volume to a node."""
        value = Attachment(name=name, node=node, volume=volume, attached=attached)
        kind = resource("volumeattachments")
        return self.call(lambda inside: _public(kind, inside.builder.attachment(value)))

    def add_namespace(self, name: str) -> None:
        """Make a namespace, unless it is there."""
        self.call(lambda inside: inside.builder.namespace(name))

    def create(self, kind: str, namespace: str, body: Json) -> Json:
        """Make any object. Raises ApiError."""
        found = resource(kind)
        return self.call(lambda inside: _public(found, inside.rest.create(found, namespace, body)))

    def patch(
        self, kind: str, namespace: str, name: str, patch: Json, *, subresource: str = ""
    ) -> Json:
        """Apply a JSON merge patch. Raises ApiError."""
        found = resource(kind)

        def work(inside: SimulatedCluster) -> Json:
            item = inside.rest.find(found, namespace, name)
            merge = "application/merge-patch+json"
            changed = inside.rest.patch(found, item, merge, patch, subresource=subresource)
            return _public(found, changed)

        return self.call(work)

    def delete(self, kind: str, namespace: str, name: str, *, grace: int | None = None) -> None:
        """Delete an object; a pod with that grace in seconds, or its own. Raises ApiError."""
        found = resource(kind)
        options = {} if grace is None else {"gracePeriodSeconds": grace}

        def work(inside: SimulatedCluster) -> None:
            inside.rest.delete(found, inside.rest.find(found, namespace, name), options)

        self.call(work)

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        """Give a Deployment, StatefulSet or ReplicaSet another size. Raises ApiError."""
        self.call(lambda inside: inside.scale(namespace, name, replicas))

    def set_ready(self, namespace: str, pod: str, *, ready: bool) -> None:
        """Let a running pod become ready or unready. Raises ApiError."""
        self.call(lambda inside: inside.set_ready(namespace, pod, ready=ready))

    def set_node_ready(self, name: str, *, ready: bool) -> None:
        """Let a node fall silent (its pods then neither start nor stop) or come back."""
        self.call(lambda inside: inside.set_node_ready(name, ready=ready))

    # How it behaves

    def set_timing(self, **delays_s: float) -> None:
        """Change delays; names as of :class:`~sandbox.cluster.timing.Timing`."""
        self.call(lambda inside: inside.set_timing(delays_s))

    def switch(self, **controllers: bool) -> None:
        """Switch controllers on or off: `switch(kubelet=False)`; `_` stands for `-`."""
        wanted = {name.replace("_", "-"): on for name, on in controllers.items()}
        self.call(lambda inside: inside.switch(wanted))

    def fault(self, fault: Fault) -> None:
        """Set a fault."""
        self.call(lambda inside: inside.faults.add(fault))

    def answer_next(
        self,
        status: int,
        *,
        method: str = ".*",
        path: str = "",
        times: int | None = 1,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        when: str = "before",
    ) -> None:
        """Let the next requests that match have this answer (see :class:`Fault`)."""
        fault = {"kind": "answer", "status": status, "method": method, "path": path}
        fault |= {"times": times, "body": body, "headers": headers or {}, "when": when}
        self.fault(Fault.model_validate(fault))

    def cut_next(
        self, *, method: str = ".*", path: str = "", times: int | None = 1, when: str = "before"
    ) -> None:
        """Let the connection of the next requests that match break off."""
        fault = {"kind": "cut", "method": method, "path": path, "times": times, "when": when}
        self.fault(Fault.model_validate(fault))

    def stall_next(
        self,
        seconds: float,
        *,
        method: str = ".*",
        path: str = "",
        times: int | None = 1,
        when: str = "before",
    ) -> None:
        """Let the next requests that match wait for their answer."""
        fault = {"kind": "stall", "seconds": seconds, "method": method, "path": path}
        self.fault(Fault.model_validate({**fault, "times": times, "when": when}))

    def clear_faults(self) -> None:
        """Take all faults away."""
        self.call(lambda inside: inside.faults.clear())

    def cut_all(self) -> None:
        """Cut every open connection, watches included."""
        self.call(lambda _: self._server.cut_all())

    def close_watches(self) -> None:
        """End all watches in order, as the server does when their time is over."""
        self.call(lambda inside: inside.api.end_watches())

    def forget_history(self) -> None:
        """Answer watches and pages from before with 410 from now on."""
        self.call(lambda inside: inside.api.forget_history())

    # What was asked of it

    def requests(self) -> Sequence[Entry]:
        """Return the log of mutating requests, oldest first."""
        return self.call(lambda inside: inside.journal.entries)

    def counters(self) -> Mapping[str, int]:
        """Return how often each verb was used: {"create pods/eviction": 3}."""
        return self.call(lambda inside: inside.journal.counts)

    def watches(self) -> int:
        """Return how many watches are open."""
        return self.call(lambda inside: inside.api.watches())

    def reset(self) -> None:
        """Begin anew with the scenario; see :meth:`SimulatedCluster.reset`."""
        self.call(lambda inside: inside.reset())

    def failures(self) -> Sequence[BaseException]:
        """Return what went wrong in the stand-in itself."""
        return self.call(lambda inside: tuple(inside.failures))


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in fields.items()}


@contextlib.contextmanager
def running(
    scenario: Scenario | None = None,
    *,
    port: int = 0,
    seed: int | None = None,
    bookmark_s: float = 60.0,
) -> Iterator[Cluster]:
    """Run a cluster in a thread, on a loopback port, until the block ends.

    Raises :class:`ClusterFailedError` if it can't start, or at the end if something in it failed.
    """
    ready: Future[tuple[asyncio.AbstractEventLoop, SimulatedCluster, Server, asyncio.Event]]
    ready = Future()

    async def serve() -> None:
        try:
            inside = SimulatedCluster(
                scenario or Scenario(name="empty"), seed=seed, bookmark_s=bookmark_s
            )
            inside.start()
            server = await listen(Front(inside).answer, port)
        except BaseException as error:  # noqa: BLE001  it belongs to the thread that waits
            ready.set_exception(error)
            return
        end = asyncio.Event()
        ready.set_result((asyncio.get_running_loop(), inside, server, end))
        await end.wait()
        inside.stop()
        await server.close()

    thread = threading.Thread(
        target=lambda: asyncio.run(serve()), name="simulated cluster", daemon=True
    )
    thread.start()
    loop, inside, server, end = ready.result(_START_S)
    try:
        yield Cluster(loop, inside, server)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(_START_S)
    if inside.failures:
        raise ClusterFailedError(
            f"the simulated cluster failed {len(inside.failures)} times, first with: "
            f"{inside.failures[0]!r}"
        ) from inside.failures[0]
