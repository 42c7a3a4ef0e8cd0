"""Fixtures for all tests: a real Redis, empty at the start of each test."""

import logging
import os
from collections.abc import Iterator

import pytest
import redis as redis_client
import structlog
from hypothesis import HealthCheck, settings

from sandbox import redis as sandbox_redis
from sandbox.slack.house_rules import SWITCH

# Whatever message any test sends has to be fit for people: see sandbox/slack/house_rules.py.
os.environ[SWITCH] = "1"

# No test depends on being fast, on whatever machine.
settings.register_profile("drainbot", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("drainbot")


@pytest.fixture(autouse=True)
def _no_logging_is_inherited() -> Iterator[None]:
    """What a test's command or bot set up for its process ends with the test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    for handler in set(root.handlers) - set(before):
        if type(handler) is logging.StreamHandler:  # as `bot.logs.configure` adds; not pytest's own
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[sandbox_redis.RedisServer]:
    """One server for each process of the test run; a test that kills one starts its own."""
    with sandbox_redis.running(appendfsync="everysec") as server:
        yield server


@pytest.fixture
def redis(redis_server: sandbox_redis.RedisServer) -> Iterator["redis_client.Redis"]:
    """A client of an empty Redis that knows no script; answers are text."""
    with redis_client.Redis.from_url(redis_server.url, decode_responses=True) as client:
        client.flushall()
        client.script_flush()
        yield client


@pytest.fixture
def redis_url(
    redis: "redis_client.Redis",  # asked for so that it empties the server
    redis_server: sandbox_redis.RedisServer,
) -> str:
    """The address of that same empty Redis."""
    return redis_server.url
