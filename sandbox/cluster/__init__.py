"""A simulated Kubernetes cluster over real HTTP on loopback.

It answers as a kube-apiserver 1.36 does: the recordings under tests/sandbox/cluster hold it to
that. Small controllers start, stop, replace and schedule pods and keep budgets. Every delay and
fault can be set. ``running`` gives a test a cluster in a thread, `python -m sandbox.cluster` is one
in a process of its own; :mod:`sandbox.cluster.control` tells what both can be asked over HTTP.

It serves plain HTTP without encryption, on loopback only, and keeps everything in memory.
"""

from sandbox.cluster.access import Rule, User
from sandbox.cluster.errors import ApiError, ClusterFailedError
from sandbox.cluster.faults import Fault
from sandbox.cluster.handle import Cluster, View, running
from sandbox.cluster.journal import Entry
from sandbox.cluster.scenario import (
    Attachment,
    Budget,
    Node,
    OwnerRef,
    Scenario,
    ScenarioError,
    Workload,
)
from sandbox.cluster.scenarios import NAMED, crowd, demo, fleet, load, nodes
from sandbox.cluster.timing import Timing

__all__ = [
    "NAMED",
    "ApiError",
    "Attachment",
    "Budget",
    "Cluster",
    "ClusterFailedError",
    "Entry",
    "Fault",
    "Node",
    "OwnerRef",
    "Rule",
    "Scenario",
    "ScenarioError",
    "Timing",
    "User",
    "View",
    "Workload",
    "crowd",
    "demo",
    "fleet",
    "load",
    "nodes",
    "running",
]
