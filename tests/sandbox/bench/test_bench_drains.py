"""What the bench of drains rests on: the floor, the counts of requests, and the arithmetic."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.bench import figures, kubectl, scenes
from sandbox.bench.arena import Arena
from sandbox.bench.budgets import FreedTimes, freed_times
from sandbox.bench.floors import run
from sandbox.bench.kubectl import kubectl_drain
from sandbox.cluster import Cluster, Scenario, Timing, running


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    scene: Scenario = getattr(request, "param", None) or scenes.fleet(2)
    with running(scene.model_copy(update={"timing": Timing(speed=20)})) as cluster:
        yield cluster


@pytest.fixture
def arena(cluster: Cluster, tmp_path: Path) -> Arena:
    return Arena(cluster.url, cluster.kubeconfig(tmp_path / "kubeconfig"))


def gone_to_the_spare(arena: Arena, nodes: list[str]) -> bool:
    return all(arena.pods_on(node) == 0 for node in nodes)


def test_the_floor_cordons_and_empties_all_nodes_with_one_request_a_pod(arena: Arena) -> None:
    nodes = scenes.node_names(2)
    assert run(arena.port, nodes, 2, "") > 0
    assert gone_to_the_spare(arena, nodes)
    assert arena.asked() == 2 * (scenes.FLEET_PODS + len(("cordon", "list", "watch")))


@pytest.mark.parametrize("cluster", [scenes.paced()], indirect=True)
def test_the_floor_keeps_a_budget_and_each_of_its_evictions_follows_a_freed_one(
    arena: Arena, cluster: Cluster
) -> None:
    with freed_times(arena, scenes.NAMESPACE) as freed:
        run(arena.port, ["node-1"], 1, scenes.NAMESPACE)
        assert gone_to_the_spare(arena, ["node-1"])
    refused = [entry for entry in cluster.requests() if entry.status == 429]
    assert refused == []
    assert len(freed.to_eviction(arena.evictions())) == scenes.PACED - 1


def test_a_freed_budget_is_held_against_the_eviction_that_it_let_pass() -> None:
    freed = FreedTimes()
    freed.at = [1.0, 2.0, 9.0]
    assert freed.to_eviction([2.25, 0.5, 1.5]) == [500.0, 250.0]
    assert freed.to_eviction([0.5, 0.9, 2.25, 9.5]) == [
        0.0,
        250.0,
        500.0,
    ]  # heard after it was used
    with pytest.raises(RuntimeError, match="freed 3 times for 6 evictions"):
        freed.to_eviction([1.0] * 6)


def test_what_the_bench_itself_looks_at_is_not_counted(arena: Arena) -> None:
    arena.reset()
    arena.uid("node-1")
    arena.pods_on("node-1")
    assert arena.asked() == 0


def test_a_kubectl_that_fails_ends_the_bench_with_its_words(arena: Arena, tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho cannot drain $2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="cannot drain node-1"):
        kubectl_drain(str(program), arena, ["node-1"])


def test_where_there_is_no_kubectl_its_figures_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kubectl.kubectl() is None
    assert "missing" in capsys.readouterr().err


def test_each_node_of_a_scene_is_full_and_each_workload_has_copies_elsewhere() -> None:
    for scene in (scenes.crowd(), scenes.paced(), scenes.team(), scenes.fleet(3)):
        drained = [node for node in scene.nodes if node.name != scenes.SPARE]
        pods = [node for workload in scene.workloads for node in workload.on]
        assert all(pods.count(node.name) == node.pods for node in drained)
        assert all(one.on.count(scenes.SPARE) == scenes.ELSEWHERE for one in scene.workloads)


def test_a_figure_says_what_it_reaches_for(capsys: pytest.CaptureFixture[str]) -> None:
    figures.report("requests_per_pod_at_220", 1.05, "requests", 9)
    assert '"samples": 9, "reach_for": 1.1' in capsys.readouterr().out
