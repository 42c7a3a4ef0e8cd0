"""The fence of a drained node, tampered with in every way; the watcher's clock is held."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from redis import Redis

from jobs.drain.fence import OPERATION, PREFIX, TOKEN
from jobs.drain.mode_marks import MODE
from jobs.fences import PODS_EVERY, UNSEEN_AFTER, Fences
from jobs.kubernetes.nodes import list_nodes
from jobs.models import OperationEnd
from jobs.nodes import NodeRecord
from jobs.service import Service
from jobs.tidying import Present
from sandbox.cluster import nodes, running
from tests.jobs.harness import Worker, policy_with, resources, until, working
from tests.jobs.story import Story


class Held:
    """A drained node-1, nobody at work any more, and a look at its fence by a held clock."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.now = 1_000.0
        self.acts = story.worker.resources
        self.fences = Fences(self.acts, lambda size: bytes(range(size)), seconds=lambda: self.now)
        self.look()  # the first sight of the node: from here the 30 s count

    @property
    def record(self) -> NodeRecord:
        found = self.acts.nodes.record("node-1")
        assert found is not None
        return found

    def present(self) -> dict[str, Present]:
        return {node.name: Present.of(node) for node in list_nodes(self.acts.cluster)}

    def look(self, present: dict[str, Present] | None = None, *, after: float = 2) -> list[str]:
        """Look once, and wait for what the API server says."""
        self.now += after
        seen = self.present() if present is None else present
        told = self.fences.look(seen)
        look = self.fences.pending("node-1")
        if look is not None:
            look.result(timeout=20)
            told += self.fences.look(seen)
        return told

    def evidence(self) -> str:
        """What the operation was told that tends the node from now on."""
        store = self.acts.store
        lives = [store.workflow(id) for id in store.live()]
        (life,) = [each for each in lives if each is not None and each.name == "node_life"]
        return str(life.input["evidence"])

    def patch(self, **body: Any) -> None:
        self.story.cluster.patch("Node", "", "node-1", body)

    def annotate(self, **marks: str | None) -> None:
        self.patch(metadata={"annotations": {PREFIX + key: value for key, value in marks.items()}})


@pytest.fixture
def held(redis: "Redis", tmp_path: Path) -> Iterator[Held]:
    with running(nodes("node-1", "node-2")) as cluster:
        rules = policy_with()
        acts = resources(redis, str(cluster.kubeconfig(tmp_path / "kubeconfig")), policy=rules)
        worker = Worker(redis, acts)
        story = Story(cluster, worker, Service(redis, rules))
        with working(worker):
            operation = story.submit("node-1", reason="disk swap")
            assert story.finish(operation).end is OperationEnd.DRAINED
            until(lambda: shows_drained(story), what="the mode on the node")
        made = Held(story)  # the worker is gone: nobody but the test looks from here on
        try:
            yield made
        finally:
            made.fences.close()


def shows_drained(story: Story) -> bool:
    found = story.cluster.get("Node", "", "node-1")
    return found is not None and found["metadata"]["annotations"].get(MODE) == "drained"


def recreate(held: Held) -> None:
    held.story.cluster.delete("Node", "", "node-1")
    held.story.cluster.add_node("node-1")


def land(held: Held) -> None:
    held.story.cluster.add_workload("Deployment", "shop", "web", replicas=1, on=["node-1"])


TAMPERED: dict[str, tuple[Callable[[Held], None], str]] = {
    "uncordoned": (lambda h: h.patch(spec={"unschedulable": None}), "somebody uncordoned it"),
    "unmarked": (lambda h: h.annotate(operation=None), "somebody removed drainbot's marks"),
    "all marks removed": (
        lambda h: h.annotate(operation=None, token=None, mode=None),
        "somebody removed drainbot's marks",
    ),
    "another's mark": (
        lambda h: h.annotate(operation="other-aaaaaa"),
        "another operation's marks are on it",
    ),
    "a token that is none": (
        lambda h: h.annotate(token="mine"),
        "another operation's marks are on it",
    ),
    "uncordoned and unmarked": (
        lambda h: h.patch(
            spec={"unschedulable": None}, metadata={"annotations": {OPERATION: None, TOKEN: None}}
        ),
        "somebody removed drainbot's marks",
    ),
    "recreated": (recreate, "another node has its name now"),
    "a pod landed": (land, "landed on it"),
}


@pytest.mark.parametrize("way", TAMPERED)
def test_a_fence_that_is_tampered_with_is_said_with_its_evidence(held: Held, way: str) -> None:
    tamper, evidence = TAMPERED[way]
    tamper(held)
    assert held.look(after=PODS_EVERY) == ["node-1"]
    assert evidence in held.evidence()
    assert held.record.mode == "drained"  # nothing is done by who looks
    assert held.look(after=PODS_EVERY) == []  # and it is said once


def test_a_fence_that_holds_is_nobodys_matter(held: Held) -> None:
    for _ in range(3):
        assert held.look(after=PODS_EVERY) == []
    assert held.acts.store.live() == []


def test_pods_are_listed_every_30_s_and_not_before(held: Held) -> None:
    land(held)
    assert held.look(after=PODS_EVERY - 5) == []
    assert held.look(after=5) == ["node-1"]


def test_a_node_that_is_deleted_is_no_lost_fence(held: Held) -> None:
    held.story.cluster.delete("Node", "", "node-1")
    assert held.look(after=PODS_EVERY) == []


def test_what_a_late_watch_shows_is_looked_at_anew_before_anything_is_said(held: Held) -> None:
    late = held.present() | {"node-1": Present(held.record.uid, "", cordoned=False)}
    assert held.look(late) == []


def test_an_api_server_that_is_away_breaks_no_fence_and_is_said_after_two_minutes(
    held: Held,
) -> None:
    present = held.present()
    held.story.cluster.answer_next(503, path="/api/v1", times=None)
    with structlog.testing.capture_logs() as logs:
        assert held.look(present, after=PODS_EVERY) == []
        assert "fence_is_not_seen" not in [line["event"] for line in logs]
        assert held.look(present, after=UNSEEN_AFTER) == []
    assert "fence_is_not_seen" in [line["event"] for line in logs]
    held.story.cluster.clear_faults()
    with structlog.testing.capture_logs() as logs:
        assert held.look(present, after=2) == []
    assert "fence_seen_again" in [line["event"] for line in logs]


def test_a_mode_that_got_lost_on_its_way_to_the_node_is_written_by_who_looks(held: Held) -> None:
    held.annotate(mode=None)
    store = held.acts.store
    store.redis.hset(f"{store.prefix}node:node-1", "since", held.record.since - 60_000)
    assert held.look() == []
    assert shows_drained(held.story)
