"""Nothing is evicted while too many calls to the API server fail, and people are told."""

import pytest

from jobs.activities import braking
from jobs.drain import brake
from jobs.models import LogEntry, OperationEnd
from tests.jobs.conftest import Play
from tests.jobs.harness import policy_with, until
from tests.jobs.story import Story, block, web


@pytest.fixture(autouse=True)
def _probes_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(braking, "EVERY", 100)


def told(story: Story, operation: str, what: str) -> list[LogEntry]:
    return [entry for entry in story.view(operation).log if entry.what == what]


def test_evictions_wait_until_the_api_server_answers_again(play: Play) -> None:
    story = play(policy=policy_with({"evictions_per_second": 50.0}))
    web(story, 30, elsewhere=1)
    story.cluster.answer_next(503, method="POST", path="/eviction", times=None)
    operation = story.submit("node-1")
    (braked,) = until(lambda: told(story, operation, "braked"), what="the brake")
    calls, failed = int(braked.fields["calls"]), int(braked.fields["failed"])
    assert calls >= 10
    assert failed * 5 >= calls
    until(lambda: story.node(operation).detail.startswith("evictions wait: "), what="the view")
    story.cluster.clear_faults()
    view = story.finish(operation)
    assert (view.end, view.questions) == (OperationEnd.DRAINED, ())
    (_,), (released,) = told(story, operation, "braked"), told(story, operation, "unbraked")
    tries = [entry.time * 1000 for entry in story.requests("pods/eviction")]
    assert [at for at in tries if braked.at < at < released.at] == []
    assert view.nodes[0].detail == ""


def test_one_failure_of_few_calls_is_no_brake(play: Play) -> None:
    story = play()
    web(story, 2, elsewhere=1)
    story.cluster.answer_next(503, method="POST", path="/eviction")
    operation = story.submit("node-1")
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert told(story, operation, "braked") == []


def test_force_obeys_the_brake_and_is_not_forgotten_over_it(play: Play) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    now = story.worker.store.now() + 3000  # no call before the force takes it off again
    key = "drainbot:test:hold:evictions"
    for name, value in (("on", "1"), ("since", now), ("at", now), ("why", "another worker saw it")):
        story.worker.redis.hset(key, name, str(value))
    story.decide(asked, "force", note="moved")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].forced) == (OperationEnd.DRAINED, ("payments/db-0",))
    (released,) = told(story, operation, "unbraked")
    (deleted,) = story.requests("pods", carried_out=True)
    assert deleted.time * 1000 >= released.at


def test_after_an_outage_evictions_go_on_when_the_first_calls_are_answered(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "LEAST_RECENT", 10**6)  # what takes it off otherwise, never does
    monkeypatch.setattr(brake, "AWAY", 1)
    story = play(policy=policy_with({"evictions_per_second": 50.0}))
    web(story, 40, elsewhere=1)
    operation = story.submit("node-1")
    until(story.evictions, what="an eviction")
    story.cluster.answer_next(503, times=None)
    story.cluster.cut_all()
    (braked,) = until(lambda: told(story, operation, "braked"), what="the brake")
    store = story.worker.store
    until(lambda: store.now() - braked.at > 3_000, what="the middle of an outage")
    story.cluster.clear_faults()
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert len(told(story, operation, "unbraked")) == 1
