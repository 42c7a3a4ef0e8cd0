"""Nodes that nobody will ever give back, and what is left of an operation when its time is over."""

from typing import cast

import pytest
from redis import Redis

from jobs import watcher
from jobs.durable import Token
from jobs.durable.keeper import Keeper
from jobs.guardrails import Guardrails
from jobs.models import NodeStatus, OperationEnd
from jobs.nodes import Reservation, Reserved
from jobs.tidying import Present, let_go_of_unneeded
from jobs.workflows import choices
from tests.jobs.conftest import Play
from tests.jobs.harness import until
from tests.jobs.story import Story, block, web


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "TIDY_EVERY", 0.1)


def owned(story: Story) -> tuple[str, ...]:
    return story.worker.resources.nodes.owned()


def test_a_machine_that_was_drained_and_then_deleted_is_away_no_more(play: Play) -> None:
    story = play(guardrails=Guardrails(max_nodes_away=1))
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED
    assert owned(story) == ("node-1",)
    assert story.finish(story.submit("node-2")).end is OperationEnd.REFUSED
    story.cluster.delete("Node", "", "node-1")
    until(lambda: owned(story) == (), what="a node that is let go of")
    assert story.finish(story.submit("node-2")).end is OperationEnd.DRAINED


def test_a_machine_that_comes_back_under_another_uid_is_another_one(play: Play) -> None:
    story = play()
    operation = story.submit("node-1")
    story.finish(operation)
    story.cluster.delete("Node", "", "node-1")
    story.cluster.add_node("node-1")
    until(lambda: owned(story) == (), what="the old one, let go of")
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert record.mode == "gone"
    assert story.view(operation).nodes[0].status is NodeStatus.DRAINED  # as it ended
    assert story.finish(story.submit("node-1")).end is OperationEnd.DRAINED


def test_a_node_that_is_there_stays_drained_and_owned(play: Play) -> None:
    story = play()
    operation = story.submit("node-1")
    story.finish(operation)
    resources = story.worker.resources
    assert let_go_of_unneeded(resources, {}) == ()  # nobody saw it, and it is there
    assert owned(story) == ("node-1",)
    assert story.cordoned()


def test_a_node_that_was_reserved_and_never_touched_is_let_go_of(play: Play) -> None:
    story = play()
    store, nodes = story.worker.store, story.worker.resources.nodes
    node = story.cluster.get("Node", "", "node-3")
    assert node is not None
    uid = node["metadata"]["uid"]
    story.worker.stopping.set()  # nobody else may answer
    for thread in story.worker.threads:
        thread.join(10)
    store.start("test-000000", "operation", {}, dedup="d")
    epoch = 1
    assert store.acquire("test-000000", epoch, owner="me", lease=60, token="t")["result"]
    token = Token(store.group, "test-000000", epoch, "t")
    wanted = [Reservation("node-3", uid, 0)]
    assert nodes.reserve(token, "test-000000", wanted, max_away=9, by="a", why="") == Reserved()
    present = {"node-3": Present(uid, "")}
    assert let_go_of_unneeded(story.worker.resources, present) == ()
    store.fenced_call("finish", token, state="aborted", outcome="null")
    assert let_go_of_unneeded(story.worker.resources, present) == ("node-3",)


# -- what is left when the time is over ------------------------------------------------------------


def lasting(redis: Redis) -> set[str]:
    """All keys of drainbot and RQ that never go by themselves."""
    keys = cast("list[str]", list(redis.scan_iter(count=1000)))
    return {key for key in keys if redis.ttl(key) == -1}


def mentions(redis: Redis, key: str, word: str) -> bool:
    return word.encode() in (redis.dump(key) or b"") or word in key


def test_of_operations_that_ended_long_ago_nothing_is_left(play: Play, redis: Redis) -> None:
    story = play()
    until(lambda: story.service.inventory("test").as_of, what="the inventory")
    gone = story.submit("node-3")
    story.finish(gone)
    story.cluster.delete("Node", "", "node-3")
    web(story, 2)
    block(story)
    forced = story.submit("node-1")
    story.decide(story.question(forced), "retry")
    asked = until(lambda: [q for q in story.view(forced).open_questions if q.kind == "block"])[0]
    story.decide(asked, choices.FORCE, note="moved")
    story.finish(forced)
    aborted = story.submit("node-2")
    story.abort(aborted)
    story.finish(aborted)
    planned = story.submit("node-2", plan_only=True)
    story.finish(planned)
    back = [story.give_back(node).id for node in ("node-1", "node-2") if story.cordoned(node)]
    until(lambda: owned(story) == (), what="nodes that nobody owns")
    until(lambda: not story.worker.store.running(), what="the end of all activations")
    operations = [forced, aborted, planned, gone, *back]

    keeper = Keeper(story.worker.store, name="keeper", keep_for=-1)  # all time is over
    keeper.tick()

    left = lasting(redis)
    # One of each kind for a cluster, however many operations there were, and the audit log.
    prefix = story.worker.store.prefix
    assert left <= {
        *(f"{prefix}{name}" for name in (
            "events", "inventory", "inventory:as_of", "inventory:version", "born", "workers",
            "lease:watcher", "audit", "counts",
        )),
        "rq:queues",
    }  # fmt: skip
    tellers = {f"{prefix}events", f"{prefix}audit"}  # the first is capped, the other for good
    for operation in operations:
        assert story.service.operation(operation) is None
        assert [key for key in left - tellers if mentions(redis, key, operation)] == []
