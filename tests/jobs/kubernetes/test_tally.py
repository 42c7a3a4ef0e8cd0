"""What the calls of a process come to."""

import pytest

from jobs.kubernetes import Cluster, Temporary
from jobs.kubernetes.nodes import find_node
from jobs.kubernetes.tally import KEPT, Tally
from sandbox.cluster import Cluster as Simulated


def test_calls_are_counted_by_the_second_and_taken_once() -> None:
    now = [100.0]
    tally = Tally(lambda: now[0])
    tally.note(failed=False)
    tally.note(failed=True)
    now[0] = 102.5
    tally.note(failed=False)
    assert tally.take() == [(2, 2, 1), (0, 1, 0)]
    assert tally.take() == []


def test_counts_that_nobody_takes_are_forgotten() -> None:
    now = [100.0]
    tally = Tally(lambda: now[0])
    for _ in range(3):
        tally.note(failed=True)
        now[0] += KEPT
    assert tally.take() == []
    for _ in range(2 * KEPT):
        tally.note(failed=False)
        now[0] += 1
    assert len(tally.take()) == KEPT - 1


def test_a_cluster_counts_answers_and_broken_connections(
    simulated: Simulated, cluster: Cluster
) -> None:
    find_node(cluster, "node-1")
    find_node(cluster, "nobody")
    simulated.answer_next(503, path="node-1")
    simulated.cut_next(path="node-2")
    for name in ("node-1", "node-2"):
        with pytest.raises(Temporary):
            find_node(cluster, name)
    counts = cluster.tally.take()
    assert sum(calls for _, calls, _ in counts) == 4
    assert sum(failed for _, _, failed in counts) == 2
