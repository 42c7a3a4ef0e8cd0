from collections.abc import Iterator

import pytest

from sandbox.cluster import Cluster, Node, Scenario, Timing, running
from tests.sandbox.cluster.http_client import Client

QUICK = Timing(start_s=0.005, stop_s=0.005, replace_s=0.002, schedule_s=0.002, node_s=0.002)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three nodes, a namespace `rec`, all controllers, everything quick."""
    scenario = Scenario(
        name="test",
        nodes=tuple(Node(name=f"node-{number}") for number in (1, 2, 3)),
        namespaces=("rec",),
        timing=QUICK,
    )
    with running(scenario) as one:
        yield one


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    with Client(cluster.url) as one:
        yield one
