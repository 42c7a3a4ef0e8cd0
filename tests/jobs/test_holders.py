"""Who evicted under which budget a moment ago."""

import pytest
from redis import Redis

from jobs.durable.errors import Fenced
from jobs.nodes import NodeStore
from jobs.nodes.holders import KEPT, Holders
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

WEB, DB = ("shop", "web"), ("shop", "db")


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)


@pytest.fixture
def budgets(group: Group) -> Holders:
    return NodeStore(group.store).budgets


def test_the_operations_that_evicted_under_a_budget_are_named_the_latest_first(
    group: Group, budgets: Holders
) -> None:
    calls.start(group, "op-1")
    calls.start(group, "op-2")
    first, second = group.take("op-1"), group.take("op-2")
    began = group.clock.at
    budgets.note(first, "op-1", [WEB, DB])
    group.clock.advance(1)
    budgets.note(second, "op-2", [WEB])
    assert budgets.holders(*WEB) == (("op-2", began + 1000), ("op-1", began))
    assert budgets.holders(*DB) == (("op-1", began),)
    assert budgets.holders("shop", "other") == ()
    group.clock.advance(1)
    budgets.note(first, "op-1", [WEB])
    group.redis.script_flush()
    budgets.note(first, "op-1", [WEB])
    assert budgets.holders(*WEB) == (("op-1", began + 2000), ("op-2", began + 1000))


def test_who_evicted_long_ago_is_forgotten_though_others_go_on(
    group: Group, budgets: Holders
) -> None:
    calls.start(group, "op-1")
    calls.start(group, "op-2")
    first, second = group.take("op-1", lease=7200), group.take("op-2", lease=7200)
    budgets.note(first, "op-1", [WEB])
    group.clock.advance(KEPT / 1000)
    assert budgets.holders(*WEB) == ()
    budgets.note(second, "op-2", [WEB])
    assert set(group.hash("under:shop/web")) == {"op-2"}
    assert 0 < group.redis.pttl("drainbot:prod-eu:under:shop/web") <= KEPT


def test_an_activation_that_is_over_notes_nothing(group: Group, budgets: Holders) -> None:
    calls.start(group, "op-1")
    token = group.take("op-1")
    calls.finish(group, token)
    with pytest.raises(Fenced):
        budgets.note(token, "op-1", [WEB])
    assert budgets.holders(*WEB) == ()
