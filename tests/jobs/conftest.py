"""Fixtures for whole stories: a cluster over HTTP, a worker in threads, a client."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from jobs.guardrails import Guardrails
from jobs.policy import Policy
from jobs.service import Service
from sandbox.cluster import Scenario, nodes, running
from tests.jobs.harness import Worker, policy_with, resources, until, working
from tests.jobs.story import Story

Play = Callable[..., Story]
_ACTIVITY = ("evict", "pods-", "budgets-", "lease")


@pytest.fixture
def play(redis: "Redis", tmp_path: Path) -> Iterator[Play]:
    """Begin a story; at its end no thread of an activity may be left."""
    with ExitStack() as stack:

        def begin(
            scenario: Scenario | None = None,
            *,
            policy: Policy | None = None,
            guardrails: Guardrails | None = None,
            token: str = "",
            **worker: Any,
        ) -> Story:
            start = scenario or nodes("node-1", "node-2", "node-3")
            cluster = stack.enter_context(running(start))
            kubeconfig = str(cluster.kubeconfig(tmp_path / "kubeconfig", token=token))
            rules = policy or policy_with()
            acts = resources(redis, kubeconfig, guardrails=guardrails, policy=rules)
            made = stack.enter_context(working(Worker(redis, acts, **worker)))
            return Story(cluster, made, Service(redis, rules))

        yield begin
    until(lambda: not _left(), what="the end of the activities' threads", within=10)


def _left() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(_ACTIVITY)]
