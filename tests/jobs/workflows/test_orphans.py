"""Cordons that no operation stands behind: found, shown, and undone, and never anything else."""

from typing import Any

import pytest
from redis import Redis

from jobs.drain.fence import HANDS_OFF, OPERATION, PREFIX, TOKEN
from jobs.drain.mode_marks import MODE_SEQ
from jobs.kubernetes.rights import RIGHTS, Right
from jobs.models import OperationEnd, OrphansView, OrphanView, Refused, Submitted
from jobs.workflows import choices
from sandbox.cluster import nodes
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, EVE, NAME, until
from tests.jobs.rights import user_with
from tests.jobs.story import Story, block, web


def look(story: Story, *undo: str, everything: bool = False) -> OrphansView:
    """Ask for orphans, and wait for what a worker says."""
    asked = story.service.orphans.ask(
        ANA, NAME, undo=undo, everything=everything, channel="C01", dedup=f"o{next(story.calls)}"
    )
    assert isinstance(asked, Submitted), asked
    found: OrphansView = until(
        lambda: story.service.orphans.answer(asked.operation), what="the orphans"
    )
    assert story.service.operation(asked.operation) is None  # nobody is told of it in Slack
    assert asked.operation not in {view.id for view in story.service.operations(NAME)}
    return found


def marks(story: Story, name: str = "node-1") -> dict[str, str]:
    found = story.cluster.get("Node", "", name)
    assert found is not None
    kept: dict[str, str] = found["metadata"].get("annotations") or {}
    return kept


def drained(story: Story, name: str = "node-1") -> str:
    operation = story.submit(name, reason="kernel update")
    assert story.finish(operation).end is OperationEnd.DRAINED
    return operation


def one(found: OrphansView) -> OrphanView:
    (orphan,) = found.orphans
    return orphan


def test_after_redis_was_lost_our_cordons_are_found_and_undone(play: Play, redis: Redis) -> None:
    story = play()
    operation = drained(story)
    before = int(marks(story)[TOKEN])
    redis.flushdb()
    orphan = one(look(story))
    assert (orphan.node, orphan.operation, orphan.reason) == ("node-1", operation, "kernel update")
    assert (orphan.requested_by, orphan.undone, orphan.stays_cordoned) == (ANA.id, False, False)
    assert orphan.since
    assert story.cordoned()  # only looked at

    undone = one(look(story, "node-1"))
    assert (undone.undone, undone.what) == (True, "our cordon is undone")
    assert not story.cordoned()
    assert {key for key in marks(story) if key.startswith(PREFIX)} <= {TOKEN, MODE_SEQ}
    assert not HANDS_OFF.keys() & marks(story).keys()
    assert int(marks(story)[TOKEN]) > before  # a worker that slept since finds itself outdated
    assert look(story).orphans == ()
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert (record.owner, record.mode) == ("", "accepting")
    assert "Uncordoned" in {event["reason"] for event in story.cluster.list("Event", "default")}


def test_a_cordon_from_before_us_stays_and_only_our_marks_go(play: Play, redis: Redis) -> None:
    story = play()
    story.cluster.patch("Node", "", "node-1", {"spec": {"unschedulable": True}})
    drained(story)
    redis.flushdb()
    assert one(look(story)).stays_cordoned
    undone = one(look(story, everything=True))
    assert (undone.undone, undone.what) == (True, "it was cordoned before and stays so")
    assert story.cordoned()
    assert OPERATION not in marks(story)


def test_only_those_that_are_named_are_undone(play: Play, redis: Redis) -> None:
    story = play()
    for name in ("node-1", "node-2"):
        drained(story, name)
    redis.flushdb()
    found = look(story, "node-2", "node-3")
    assert {orphan.node: orphan.undone for orphan in found.orphans} == {
        "node-1": False,
        "node-2": True,
    }
    assert found.refused == {"node-3": "no orphaned cordon is on it"}
    assert (story.cordoned("node-1"), story.cordoned("node-2")) == (True, False)


def test_what_an_operation_works_on_or_keeps_is_no_orphan(play: Play) -> None:
    story = play()
    drained(story, "node-3")
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    found = look(story, "node-1", "node-3", everything=True)
    assert found.orphans == ()
    assert found.refused.keys() == {"node-1", "node-3"}
    assert (story.cordoned("node-1"), story.cordoned("node-3")) == (True, True)
    story.decide(asked, choices.SKIP)
    story.finish(operation)


@pytest.mark.parametrize("named", ["other-7f3k9q", "what somebody wrote"])
def test_the_mark_of_another_drainbot_is_shown_and_left_alone(play: Play, named: str) -> None:
    story = play()
    body: dict[str, Any] = {
        "metadata": {"annotations": {OPERATION: named}},
        "spec": {"unschedulable": True},
    }
    story.cluster.patch("Node", "", "node-1", body)
    orphan = one(look(story, everything=True))
    assert (orphan.foreign, orphan.undone) == (True, False)
    assert "another drainbot" in orphan.what
    assert story.cordoned()
    assert marks(story)[OPERATION] == named


def test_an_orphan_can_be_drained_again_after_its_undo(play: Play, redis: Redis) -> None:
    story = play()
    drained(story)
    redis.flushdb()
    look(story, "node-1")
    web(story, 1)

    def known() -> bool:  # the watcher publishes what changed
        return "node-1" in {node.name for node in story.service.inventory(NAME).nodes}

    until(known, what="the node in the inventory after the flush")
    drained(story)
    assert look(story).orphans == ()


def test_who_may_not_decide_may_not_ask(play: Play) -> None:
    story = play()
    refused = story.service.orphans.ask(EVE, NAME, everything=True, channel="C01", dedup="x")
    assert isinstance(refused, Refused)
    assert refused.who_may
    nowhere = story.service.orphans.ask(ANA, "nowhere", channel="C01", dedup="y")
    assert isinstance(nowhere, Refused)
    assert "no cluster nowhere" in nowhere.reason


def test_a_worker_without_the_right_says_so_and_holds_nothing(play: Play, redis: Redis) -> None:
    rights = RIGHTS - {Right("patch", "", "nodes")}
    scenario = nodes("node-1").model_copy(update={"tokens": {"t": user_with(rights)}})
    story = play(scenario, token="t")
    body: dict[str, Any] = {
        "metadata": {"annotations": {OPERATION: f"{NAME}-7f3k9q"}},
        "spec": {"unschedulable": True},
    }
    story.cluster.patch("Node", "", "node-1", body)
    orphan = one(look(story, "node-1"))
    assert not orphan.undone
    assert "can't be undone" in orphan.what
    record = story.worker.resources.nodes.record("node-1")
    assert record is not None
    assert record.owner == ""
