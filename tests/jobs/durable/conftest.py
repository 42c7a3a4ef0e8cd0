"""Fixtures: a worker group on an empty Redis, and a workflow of it that is under way."""

import pytest
from redis import Redis

from jobs.durable.records import Token
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)


@pytest.fixture
def token(group: Group) -> Token:
    """A workflow that runs, on a lease of three seconds."""
    calls.start(group)
    return group.take(lease=3)


@pytest.fixture
def asked(group: Group, token: Token) -> Token:
    """A workflow that waits for an answer, an hour at most, or until a budget frees itself."""
    reminders = calls.question(notices=[{"name": "remind", "after": 900_000}], stop_after=3_600_000)
    parts = (calls.ANSWER, calls.timer(movable=True), calls.signal())
    calls.suspend(group, token, *parts, ask=(reminders,), watching='{"budgets":["db"]}')
    return token
