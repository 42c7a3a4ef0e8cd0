"""The controllers of the simulated cluster, each of which can be switched off."""

from collections.abc import Mapping

from sandbox.cluster.controllers.base import Controller, World
from sandbox.cluster.controllers.daemonsets import DaemonSets
from sandbox.cluster.controllers.deployments import Deployments
from sandbox.cluster.controllers.disruption import Disruption
from sandbox.cluster.controllers.garbage import Garbage
from sandbox.cluster.controllers.jobs import Jobs
from sandbox.cluster.controllers.kubelet import Kubelet
from sandbox.cluster.controllers.nodes import NodeLifecycle, TaintEviction
from sandbox.cluster.controllers.replicasets import ReplicaSets
from sandbox.cluster.controllers.scheduler import Scheduler
from sandbox.cluster.controllers.statefulsets import StatefulSets
from sandbox.cluster.controllers.volumes import AttachDetach

__all__ = ["ALL", "Controller", "World", "controllers"]

_CLASSES: tuple[type[Controller], ...] = (
    Disruption,  # first, so that a budget is up to date before others act on the same change
    Kubelet,
    Scheduler,
    ReplicaSets,
    StatefulSets,
    DaemonSets,
    Deployments,
    Jobs,
    NodeLifecycle,
    TaintEviction,
    Garbage,
    AttachDetach,
)
ALL = frozenset(one.name for one in _CLASSES)
"""The names of all controllers."""


def controllers(world: World) -> Mapping[str, Controller]:
    """Return new controllers by name; none of them is started."""
    return {one.name: one(world) for one in _CLASSES}
