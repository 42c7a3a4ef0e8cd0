"""A drain that people keep alive for long: what it holds in Redis stays bounded."""

from typing import Any

import pytest

from jobs.models import OperationEnd
from jobs.workflows import choices
from jobs.workflows import node as node_workflow
from tests.jobs.conftest import Play
from tests.jobs.harness import until
from tests.jobs.story import Story, block

ROUNDS = 5
RETRIES = 30


def held(story: Story, operation: str) -> tuple[int, int]:
    """How many steps the drain of the node holds, and how many bytes they and its state take."""
    redis, key = story.worker.redis, f"{story.worker.store.prefix}wf:{operation}-1"
    size: Any = sum(redis.memory_usage(name) or 0 for name in (key, f"{key}:steps"))
    steps: Any = redis.hlen(f"{key}:steps")
    return int(steps), int(size)


def test_a_drain_that_is_retried_again_and_again_holds_no_more_than_one_history(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_workflow, "ROUNDS", ROUNDS)
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = [story.question(operation)]
    seen = []
    for _ in range(RETRIES):
        story.decide(asked[-1], choices.RETRY)
        asked.append(story.question(operation, after=asked))
        seen.append(held(story, operation))
    record = story.worker.store.workflow(f"{operation}-1")
    assert record is not None
    assert record.generation >= RETRIES // ROUNDS
    one, others = seen[: 2 * ROUNDS], seen[2 * ROUNDS :]
    assert max(steps for steps, _ in others) <= max(steps for steps, _ in one)
    assert max(size for _, size in others) <= 1.2 * max(size for _, size in one)
    story.decide(asked[-1], choices.FORCE, note="moved")
    view = story.finish(operation)
    assert (view.end, view.nodes[0].forced) == (OperationEnd.DRAINED, ("payments/db-0",))
    assert len({question.thread_key for question in view.questions}) == 1  # one message of all


def test_a_question_that_is_waited_for_again_and_again_stays_one_and_arms_no_more_timers(
    play: Play,
) -> None:
    story = play()
    block(story)
    operation = story.submit("node-1")
    asked = story.question(operation)
    until(lambda: story.suspended(operation), what="the wait")
    store = story.worker.store

    def timers() -> list[str]:
        names: Any = store.redis.zrange(f"{store.prefix}timers", 0, -1)
        return sorted(names)

    armed, before = timers(), held(story, operation)
    for _ in range(RETRIES):
        story.decide(asked, choices.WAIT)
    assert timers() == armed
    assert held(story, operation) == before
    assert [question.id for question in story.view(operation).questions] == [asked.id]
    story.decide(asked, choices.FORCE, note="moved")
    assert story.finish(operation).end is OperationEnd.DRAINED
    assert timers() == []
