"""A cluster that is frozen: nothing more is evicted anywhere in it, until somebody thaws it."""

import itertools
import time

import pytest

from jobs.activities import empty
from jobs.models import Freeze, Froze, NodeStatus, OperationEnd, Principal, Refused, Submitted
from jobs.models.requests import DrainRequest
from jobs.service import Service
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, EVE, NAME, policy_with, until
from tests.jobs.story import Story, block, web

CALLS = itertools.count()


def freeze(story: Story, reason: str = "deploy", by: Principal = ANA) -> Froze:
    said = story.service.freeze(by, NAME, reason, nonce=f"f{next(CALLS)}")
    assert isinstance(said, Froze), said
    return said


def thaw(story: Story, by: Principal = BO) -> Froze:
    said = story.service.thaw(by, NAME, reason="over", nonce=f"t{next(CALLS)}")
    assert isinstance(said, Froze), said
    return said


def test_a_freeze_in_mid_eviction_lets_nothing_more_go_and_a_thaw_does(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empty, "REST_AFTER", 0)
    story = play(policy=policy_with({"evictions_per_second": 20, "ask_after": "1h"}))
    web(story, 60)
    operation = story.submit("node-1")
    until(lambda: len(story.evictions()) >= 5, what="some evictions")
    began = time.time()
    freeze(story)
    until(lambda: story.suspended(operation), what="a slot that is free")
    sent = story.evictions()
    # Those that had leave already may still arrive; from then on there is none.
    assert all(entry.time <= began + 1 for entry in sent)
    assert 0 < len(story.pods_on()) < 60
    view = story.view(operation)
    assert (view.frozen, view.end) == (story.service.frozen(NAME), None)
    assert [entry.what for entry in view.log][-1] == "frozen"
    assert len(story.evictions()) == len(sent)
    thaw(story)
    ended = story.finish(operation)
    assert (ended.end, ended.nodes[0].pods_gone, ended.frozen) == (OperationEnd.DRAINED, 60, None)
    told = {entry.what: entry.fields for entry in ended.log}
    assert (told["frozen"]["by"], told["frozen"]["reason"]) == (ANA.id, "deploy")
    assert (told["thawed"]["by"], told["thawed"]["reason"]) == (BO.id, "over")


def test_a_force_that_was_decided_waits_for_the_thaw(play: Play) -> None:
    story = play(policy=policy_with({"ask_after": "1ms"}))
    block(story)
    operation = story.submit("node-1")
    question = story.question(operation)
    freeze(story)
    story.decide(question, "force", note="moved")
    until(lambda: story.suspended(operation), what="a slot that is free")
    assert story.requests("pods") == []
    thaw(story)
    assert story.finish(operation).nodes[0].forced == ("payments/db-0",)


def test_a_drain_that_is_asked_for_meanwhile_is_told_and_begins_with_the_thaw(play: Play) -> None:
    story = play()
    web(story, 2)
    until(lambda: story.service.inventory(NAME).as_of, what="the inventory")
    held = freeze(story, "deploy of the ingress").freeze
    request = DrainRequest(cluster=NAME, nodes=("node-1",), channel="C01")
    asked = story.service.submit(ANA, request, dedup="d")
    assert isinstance(asked, Submitted)
    assert asked.frozen == held
    store = story.worker.store

    def rests() -> bool:
        record = store.workflow(asked.operation)
        return record is not None and record.state == "suspended"

    until(rests, what="the wait for the thaw")
    assert not story.cordoned()
    view = story.view(asked.operation)
    assert (view.nodes[0].status, [e.what for e in view.log]) == (
        NodeStatus.WAITING, ["frozen"],
    )  # fmt: skip
    thaw(story)
    assert story.finish(asked.operation).end is OperationEnd.DRAINED


def test_no_node_begins_while_it_is_frozen_and_an_abort_ends_the_wait(play: Play) -> None:
    story = play()
    freeze(story)
    operation = story.submit("node-1", "node-2")
    until(lambda: _suspended(story, operation), what="the wait for the thaw")
    story.abort(operation)
    assert story.finish(operation).end is OperationEnd.ABORTED
    assert story.requests("nodes") == []


def _suspended(story: Story, operation: str) -> bool:
    record = story.worker.store.workflow(operation)
    return record is not None and record.state == "suspended"


def test_a_freeze_survives_every_process(play: Play) -> None:
    story = play()
    said = freeze(story)
    another = Service(story.worker.redis, policy_with())
    assert another.frozen(NAME) == said.freeze
    assert isinstance(said.freeze, Freeze)
    assert (said.freeze.by, said.freeze.reason) == (ANA.id, "deploy")


def test_who_may_request_freezes_and_who_may_decide_thaws(play: Play) -> None:
    story = play(policy=policy_with(rule={"request": ["U01ANA"], "decide": ["U02BO"]}))
    for act in (story.service.freeze, story.service.thaw):
        refused = act(EVE, NAME, reason="x", nonce="n")
        assert isinstance(refused, Refused)
        assert story.service.frozen(NAME) is None
    refused = story.service.freeze(BO, NAME, "why", nonce="n1")
    assert isinstance(refused, Refused)
    assert refused.who_may == ("U01ANA",)
    assert freeze(story).changed
    refused = story.service.thaw(ANA, NAME, nonce="n2")
    assert isinstance(refused, Refused)
    assert (refused.who_may, story.service.frozen(NAME) is None) == (("U02BO",), False)
    assert thaw(story).changed


def test_a_freeze_needs_a_reason_a_listed_channel_and_a_cluster(play: Play) -> None:
    service = play().service
    for refused in (
        service.freeze(ANA, NAME, "  ", nonce="n1"),
        service.freeze(ANA, NAME, "why", channel="C99", nonce="n2"),
        service.freeze(ANA, "tset", "why", nonce="n3"),
        Service(play().worker.redis, None).freeze(ANA, NAME, "why", nonce="n4"),
    ):
        assert isinstance(refused, Refused)
    assert service.frozen(NAME) is None
    assert service.frozen("nowhere") is None


def test_the_second_who_freezes_is_told_of_the_first(play: Play) -> None:
    story = play()
    first = freeze(story, "mine")
    second = freeze(story, "yours", by=BO)
    assert (first.changed, second.changed, second.freeze) == (True, False, first.freeze)
    assert thaw(story).freeze == first.freeze
    assert thaw(story) == Froze(cluster=NAME, changed=False)


def test_a_freeze_that_is_over_stands_in_no_story_of_later(play: Play) -> None:
    story = play()
    web(story, 1)
    freeze(story)
    thaw(story)
    ended = story.finish(story.submit("node-1"))
    freeze(story)
    assert {e.what for e in story.view(ended.id).log} & {"frozen", "thawed"} == set()
    assert story.view(ended.id).frozen is None
