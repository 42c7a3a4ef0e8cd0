"""A simulated cluster, and drainbot's own client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.kubernetes import Cluster, connect
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import running


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with running() as cluster:
        cluster.add_node("node-1")
        cluster.add_node("node-2")
        yield cluster


@pytest.fixture
def cluster(simulated: Simulated, tmp_path: Path) -> Cluster:
    return connect(str(simulated.kubeconfig(tmp_path / "kubeconfig")), pool=8)
