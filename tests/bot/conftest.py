"""Fixtures for tests of the bot: the strict stand-in of Slack, and a notifier that tells there."""

from collections.abc import Iterator

import pytest
import redis as redis_client

import sandbox.slack
from sandbox.slack import Slack
from tests.bot.telling_bench import WORKSPACE, Bench


@pytest.fixture
def slack() -> Iterator[Slack]:
    with sandbox.slack.running(WORKSPACE, rate_limits=False) as slack:
        yield slack


@pytest.fixture
def bench(slack: Slack, redis: "redis_client.Redis") -> Bench:
    return Bench(slack, redis)
