"""The whole simulated cluster, on one event loop: store, API, controllers, faults."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from sandbox.cluster.access import Access
from sandbox.cluster.api import Api
from sandbox.cluster.build import Builder, node_condition
from sandbox.cluster.controllers import ALL, controllers
from sandbox.cluster.controllers.kubelet import Kubelet, with_readiness
from sandbox.cluster.errors import ClusterFailedError
from sandbox.cluster.faults import Faults
from sandbox.cluster.objects import Item, set_condition
from sandbox.cluster.resources import resource
from sandbox.cluster.scenario import Scenario
from sandbox.cluster.store import Store
from sandbox.cluster.times import stamp
from sandbox.cluster.timing import Timing

__all__ = ["SimulatedCluster"]

_log = logging.getLogger(__name__)
_PODS = resource("pods")
_NODES = resource("nodes")
_SCALED = ("deployments", "statefulsets", "replicasets")


class SimulatedCluster:
    """A cluster as a scenario describes it. Everything here is to be called on its loop."""

    def __init__(
        self, scenario: Scenario, *, seed: int | None = None, bookmark_s: float = 60.0
    ) -> None:
        self.scenario = scenario
        self.timing: Timing = scenario.timing
        self.store = Store(seed=seed)
        self.access = Access(scenario.tokens)
        self.api = Api(self.store, access=self.access, bookmark_s=bookmark_s)
        self.rest = self.api.rest
        self.journal = self.api.journal
        self.faults = Faults()
        self.failures: list[BaseException] = []
        self._controllers = controllers(self)
        kubelet = self._controllers[Kubelet.name]
        if not isinstance(kubelet, Kubelet):
            raise ClusterFailedError("the controller `kubelet` is none")
        self.builder = Builder(self, kubelet)

    def start(self) -> None:
        """Build the scenario and start its controllers; a failing one is noted from now on."""
        asyncio.get_running_loop().set_exception_handler(self._note_failure)
        self.builder.build(self.scenario)
        self.switch({name: name in self.scenario.controllers for name in ALL})

    def stop(self) -> None:
        """Stop the controllers and end all watches."""
        self.switch(dict.fromkeys(ALL, False))
        self.api.end_watches()

    def reset(self) -> None:
        """Begin anew: the scenario as it was, no faults, an empty log. Versions go on."""
        self.stop()
        self.store.clear()
        self.api.forget_history()
        self.journal.clear()
        self.faults.clear()
        self.timing = self.scenario.timing
        self.start()

    def switch(self, wanted: Mapping[str, bool]) -> None:
        """Start or stop controllers by name. Raises ValueError for one that is none."""
        if unknown := wanted.keys() - ALL:
            raise ValueError(f"unknown controllers {sorted(unknown)}; there are {sorted(ALL)}")
        for name, on in wanted.items():
            controller = self._controllers[name]
            if on:
                controller.start()
            else:
                controller.stop()

    def switched(self) -> Mapping[str, bool]:
        """Return which controllers run."""
        return {name: one.running for name, one in sorted(self._controllers.items())}

    def set_timing(self, changes: Mapping[str, float]) -> None:
        """Change delays for what is planned from now on. Raises ValidationError."""
        self.timing = Timing.model_validate({**self.timing.model_dump(), **changes})

    def set_ready(self, namespace: str, name: str, *, ready: bool) -> Item:
        """Let a running pod become ready or unready."""
        pod = self.rest.find(_PODS, namespace, name)
        body = with_readiness(pod, self.store.clock(), ready=ready)
        return self.store.replace(_PODS, pod, body)

    def set_node_ready(self, name: str, *, ready: bool) -> Item:
        """Let a node fall silent, or come back; a silent one neither starts nor stops pods."""
        node = self.rest.find(_NODES, "", name)
        wanted = node_condition(stamp(self.store.clock()), ready=ready)
        return self.store.replace(_NODES, node, set_condition(node.body, wanted))

    def scale(self, namespace: str, name: str, replicas: int) -> Item:
        """Give a Deployment, StatefulSet or ReplicaSet another size. Raises ApiError 404."""
        for plural in _SCALED:
            item = self.store[plural].get(namespace, name)
            if item:
                body = {**item.body, "spec": {**item.spec, "replicas": replicas}}
                return self.rest.update(resource(plural), item, body)
        return self.rest.find(resource(_SCALED[0]), namespace, name)

    def note_failure(self, error: BaseException) -> None:
        """Note that the stand-in itself failed; whoever runs it is told at the end."""
        _log.error("the simulated cluster failed", exc_info=error)
        self.failures.append(error)

    def _note_failure(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or ClusterFailedError(context["message"])
        self.note_failure(error)
