"""Looking for room: all pods of the cluster are read, and none is kept."""

from typing import Any

import pytest

from jobs.drain.capacity import Amount, Free, Load, room
from jobs.kubernetes import room as reading
from jobs.kubernetes.watching import PAGE
from jobs.models import Room
from sandbox.cluster import Node, Scenario, Workload
from tests.jobs.conftest import Play
from tests.jobs.story import Story

NODES, PODS = 50, 5_000


class Counted(Load):
    """A pod's load that is counted for as long as anybody keeps it."""

    alive, made, most = 0, 0, 0

    def __init__(self, node: str, amount: Amount) -> None:
        super().__init__(node, amount)
        Counted.alive += 1
        Counted.made += 1
        Counted.most = max(Counted.most, Counted.alive)

    def __del__(self) -> None:
        Counted.alive -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    Counted.alive = Counted.made = Counted.most = 0
    monkeypatch.setattr(reading, "Load", Counted)
    return Counted


def crowded(nodes: int, pods: int) -> Scenario:
    """Node-1, and others that have as many pods each as have 100 m of a core left."""
    names = tuple(f"other-{number}" for number in range(nodes))
    return Scenario(
        name="crowded",
        nodes=(
            Node(name="node-1", cpu="64"),
            *(Node(name=name, cpu=f"{pods // nodes}100m") for name in names),
        ),
        workloads=(
            Workload(
                kind="Deployment", namespace="shop", name="many", replicas=pods, on=names,
                requests={"cpu": "1"},
            ),
        ),
        controllers=frozenset(),
    )  # fmt: skip


def planned(story: Story) -> Room:
    view = story.finish(story.submit("node-1", plan_only=True))
    assert view.plan is not None
    assert view.plan.room is not None
    return view.plan.room


def test_what_is_kept_does_not_grow_with_the_pods_of_the_cluster(
    play: Play, counted: type[Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr("jobs.activities.room.room", lambda *given: _noted(kept, *given))
    story = play(crowded(NODES, PODS), lease=60.0)  # on a busy machine it must not begin anew
    web = {"replicas": NODES, "on": ["node-1"], "requests": {"cpu": "100m"}}
    story.cluster.add_workload("Deployment", "shop", "web", **web)
    assert planned(story) == Room(fits=True)  # just so: every pod of them was counted
    assert counted.made == PODS + NODES
    assert counted.most <= 2 * PAGE  # one page that is read, and the one before it
    assert counted.alive == 0
    ((wants, free),) = kept
    assert (len(wants), len(free)) == (NODES, NODES)


def _noted(kept: list[Any], wants: list[Any], free: Any, waiting: Amount) -> Room:
    nodes = list(free)
    kept.append((wants, nodes))
    assert all(isinstance(node, Free) for node in nodes)
    return room(wants, nodes, waiting)


def small(story: Story) -> None:
    story.cluster.add_workload("Deployment", "shop", "web", on=["node-1"])


def test_lists_that_become_too_old_are_read_again(play: Play) -> None:
    story = play()
    small(story)
    story.cluster.answer_next(410, path="status.phase", times=2)
    assert planned(story) == Room(fits=True)


@pytest.mark.parametrize(
    ("status", "why"),
    [(410, "the cluster's pods change faster than they can be counted"),
     (500, "the API server did not tell"),
     (403, "the API server did not tell")],
)  # fmt: skip
def test_a_plan_is_made_though_nobody_can_tell_the_room(play: Play, status: int, why: str) -> None:
    story = play()
    small(story)
    story.cluster.answer_next(status, path="status.phase", times=None)
    assert planned(story) == Room(why=why)


def test_a_cluster_that_takes_too_long_to_read_is_not_waited_for(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.activities.room.WITHIN", -1.0)
    story = play()
    small(story)
    assert "could not be counted" in planned(story).why


def test_nodes_that_another_operation_has_reserved_have_no_room(play: Play) -> None:
    story = play()
    small(story)
    story.cluster.add_workload("Pod", "ops", "bare", on=["node-2"])
    running = story.submit("node-2", "node-3")
    story.question(running)
    assert not story.cordoned("node-3")  # its turn has not come
    assert planned(story) == Room(fits=False, short_pods=1, too_large=(planned_pod(story),))
    story.abort(running)
    story.finish(running)


def planned_pod(story: Story) -> str:
    (name,) = story.pods_on("node-1")
    return f"shop/{name}"
