"""Fixtures of the API: one over a real Redis, and one beside a whole story."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from redis import Redis

from bot.api import Limits
from tests.bot.api.calling import Api, calling, policy_with_tokens, publish
from tests.jobs.conftest import Play, play
from tests.jobs.story import Story

__all__ = ["play"]  # the fixture of the stories, for this folder too


@pytest.fixture
def serve(redis_url: str) -> Iterator[Callable[..., Api]]:
    """Run an API; `limits` and further sections of the policy may be given."""
    with ExitStack() as stack:

        def begin(limits: Limits | None = None, **sections: object) -> Api:
            policy = policy_with_tokens(**sections)
            return stack.enter_context(calling(redis_url, policy, limits))

        yield begin


@pytest.fixture
def api(redis: "Redis", serve: Callable[..., Api]) -> Api:
    """An API of a cluster with three nodes and no worker: what is asked stays asked."""
    publish(redis, "node-1", "node-2", "node-3")
    return serve()


@pytest.fixture
def story(play: Play, redis_url: str) -> Iterator[tuple[Story, Api]]:
    """A worker of a simulated cluster, and an API beside it."""
    policy = policy_with_tokens()
    with calling(redis_url, policy) as served:
        yield play(policy=policy), served
