"""A node watched through its annotations, over HTTP: what was missed halts."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.drain.mode_marks import MODE, MODE_SEQ, ModeShown, mode_marks
from jobs.kubernetes import Cluster, Forbidden, NotFound, Temporary, connect
from jobs.kubernetes.rights import Right
from jobs.modes import Action
from jobs.workload import Life, Step
from jobs.workload.annotation import AnnotationObserver
from sandbox.cluster import Cluster as Simulated
from sandbox.cluster import Scenario, running
from tests.jobs.rights import user_with

NODE = "node-1"


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    rights = [Right(verb, "", "nodes") for verb in ("get", "list", "watch")]
    with running(Scenario(name="guarded", tokens={"t": user_with(rights)})) as cluster:
        cluster.add_node(NODE)
        cluster.add_node("node-2")
        yield cluster


@pytest.fixture
def cluster(simulated: Simulated, tmp_path: Path) -> Cluster:
    return connect(str(simulated.kubeconfig(tmp_path / "kubeconfig", token="t")), pool=4)


def show(simulated: Simulated, mode: str, seq: int, node: str = NODE) -> None:
    marks = mode_marks(ModeShown(mode, seq, since=1_700_000_000_000, by="ana", why="disk"))
    simulated.patch("nodes", "", node, {"metadata": {"annotations": marks}})


def must(step: Step | None) -> Step:
    assert step is not None
    return step


def test_each_change_is_seen_once_at_whatever_pace_one_looks(
    simulated: Simulated, cluster: Cluster
) -> None:
    watching = AnnotationObserver(cluster, NODE)
    life = watching.begin().life
    assert life.asks is Action.ACCEPT
    asked = []
    walk = ["draining", "drained", "maintenance", "returning", "accepting"]
    for seq, mode in enumerate(walk, start=1):
        show(simulated, mode, seq)
        step = must(watching.next(life))
        asked.append(step.action.value)
        life = Life.from_json(step.life.to_json())
        assert watching.next(life) is None
        simulated.patch("nodes", "", NODE, {"metadata": {"labels": {"seen": str(seq)}}})
        assert watching.next(life) is None
    assert asked == [
        "checkpoint_and_drain", "persist_final_checkpoint", "quiesce", "quiesce",
        "resume_from_checkpoint",
    ]  # fmt: skip


def test_a_drain_that_came_and_went_between_two_looks_halts(
    simulated: Simulated, cluster: Cluster
) -> None:
    watching = AnnotationObserver(cluster, NODE)
    life = watching.begin().life
    show(simulated, "draining", 1)
    show(simulated, "returning", 2)
    show(simulated, "accepting", 3)
    step = must(watching.next(life))
    assert (step.action, step.event) == (Action.HALT, "transitions_missed")
    assert watching.next(step.life) is None


@pytest.mark.parametrize(
    ("marks", "event"),
    [
        ({MODE: None, MODE_SEQ: None}, "transitions_missed"),  # somebody took them away
        ({MODE_SEQ: "soon"}, "transitions_missed"),
        ({MODE: "melting", MODE_SEQ: "2"}, "unknown_event"),
        ({MODE: "accepting", MODE_SEQ: "2"}, "transition_refused"),
        ({MODE: "drained"}, "transitions_missed"),  # changed without a count
    ],
)
def test_marks_that_nobody_of_ours_wrote_halt(
    simulated: Simulated, cluster: Cluster, marks: dict[str, str | None], event: str
) -> None:
    show(simulated, "draining", 1)
    watching = AnnotationObserver(cluster, NODE)
    life = watching.begin().life
    simulated.patch("nodes", "", NODE, {"metadata": {"annotations": marks}})
    step = must(watching.next(life))
    assert (step.action, step.event) == (Action.HALT, event)


def test_a_node_that_is_deleted_or_made_anew_halts(simulated: Simulated, cluster: Cluster) -> None:
    watching = AnnotationObserver(cluster, NODE)
    life = watching.begin().life
    simulated.delete("nodes", "", NODE)
    assert must(watching.next(life)).event == "node_gone"
    simulated.add_node(NODE)
    assert must(watching.next(life)).event == "node_replaced"
    young = watching.begin()
    assert (young.action, young.life.uid != life.uid) == (Action.ACCEPT, True)
    with pytest.raises(NotFound, match="node-9"):
        AnnotationObserver(cluster, "node-9").begin()


def test_an_api_server_that_is_away_is_no_gap(simulated: Simulated, cluster: Cluster) -> None:
    watching = AnnotationObserver(cluster, NODE)
    life = watching.begin().life
    simulated.cut_next(method="GET")
    with pytest.raises(Temporary):
        watching.next(life)
    show(simulated, "draining", 1)
    assert must(watching.next(life)).event == "drain_started"


@contextmanager
def watched(watching: AnnotationObserver, life: Life) -> Iterator["queue.Queue[Step]"]:
    steps: queue.Queue[Step] = queue.Queue()

    def listen() -> None:
        for step in watching.changes(life):
            steps.put(step)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield steps
    finally:
        watching.stop()
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_watch_tells_changes_of_its_own_node_as_they_come(
    simulated: Simulated, cluster: Cluster
) -> None:
    watching = AnnotationObserver(cluster, NODE)
    life = watching.begin().life
    with watched(watching, life) as steps:
        show(simulated, "draining", 1, node="node-2")
        for seq, mode in enumerate(("draining", "drained"), start=1):
            show(simulated, mode, seq)
            step = steps.get(timeout=30)
            assert (step.life.state.mode.value, step.life.seq) == (mode, seq)
        simulated.delete("nodes", "", NODE)
        assert steps.get(timeout=30).event == "node_gone"
        assert steps.empty()


def test_a_missing_right_comes_through(simulated: Simulated, tmp_path: Path) -> None:
    with running(Scenario(name="guarded", tokens={"t": user_with([])})) as other:
        other.add_node(NODE)
        blind = connect(str(other.kubeconfig(tmp_path / "blind", token="t")), pool=2)
        with pytest.raises(Forbidden):
            AnnotationObserver(blind, NODE).begin()
