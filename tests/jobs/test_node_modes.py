"""Node records change along the table of modes, and tell each change, numbered."""

import itertools
from typing import Any, cast

import pytest
from redis import Redis

from jobs.durable import Token
from jobs.modes import GONE, TABLE, Mode, NotInTable, route
from jobs.nodes import NodeStore, Reservation, Reserved
from tests.jobs.durable import calls
from tests.jobs.durable.harness import Group

ROWS = {(row.came_from, row.to) for row in TABLE}
PAIRS = list(itertools.product(Mode, [*Mode, GONE]))
Change = tuple[str, str, int]


@pytest.fixture
def group(redis: "Redis") -> Group:
    return Group(redis)


@pytest.fixture
def nodes(group: Group) -> NodeStore:
    return NodeStore(group.store)


@pytest.fixture
def token(group: Group, nodes: NodeStore) -> Token:
    calls.start(group, "op-1")
    token = group.take("op-1")
    assert reserved(nodes, token, "u") == Reserved()
    return token


def reserved(nodes: NodeStore, token: Token, uid: str) -> Any:
    wanted = [Reservation("a", uid, 0)]
    return nodes.reserve(token, "op-1", wanted, max_away=9, by="ana", why="kernel")


def change(nodes: NodeStore, token: Token, *came_from: str, to: str) -> bool:
    return nodes.change(token, "op-1", "a", came_from=came_from, to=to)


def stands(nodes: NodeStore) -> tuple[str, int]:
    record = nodes.record("a")
    assert record is not None
    return record.mode, record.mode_seq


def told(group: Group) -> list[Change]:
    """The changes of the node in the stream of events, as (from, to, number)."""
    entries = cast(
        "list[tuple[str, dict[str, str]]]", group.redis.xrange(f"{group.store.prefix}events")
    )
    found = [fields for _, fields in entries if fields["kind"] == "node_mode"]
    assert {(fields["node"], fields["uid"]) for fields in found} <= {("a", "u")}
    return [(fields["from"], fields["to"], int(fields["seq"])) for fields in found]


def bring(nodes: NodeStore, token: Token, mode: Mode) -> None:
    """Bring a new record into a mode by the shortest way of the table."""
    ways: dict[Mode, tuple[Mode, ...]] = {Mode.ACCEPTING: ()}
    while mode not in ways:
        known = [row for row in TABLE if row.came_from in ways]
        ways = {row.to: (*ways[row.came_from], row.to) for row in known} | ways
    at = Mode.ACCEPTING
    for step in ways[mode]:
        assert change(nodes, token, at, to=step)
        at = step


@pytest.mark.parametrize(("came_from", "to"), PAIRS)
def test_a_record_walks_the_table_or_stays_and_every_step_is_told_and_counted(
    group: Group, nodes: NodeStore, token: Token, came_from: Mode, to: str
) -> None:
    bring(nodes, token, came_from)
    before, number = told(group), stands(nodes)[1]
    assert number == len(before)
    try:
        walk = route(came_from, to)
    except NotInTable:
        with pytest.raises(NotInTable):
            change(nodes, token, came_from, to=to)
        assert (stands(nodes), told(group)) == ((came_from, number), before)
        return
    assert change(nodes, token, came_from, to=to)
    steps = list(itertools.pairwise([came_from.value, *walk]))
    assert all(step in ROWS or step[1] == GONE for step in steps)
    assert stands(nodes) == (to, number + len(steps))
    expected = [(*step, number + at) for at, step in enumerate(steps, start=1)]
    assert told(group)[len(before) :] == (expected or [(to, to, number)])


def test_a_node_that_is_given_back_in_one_go_passes_through_returning(
    group: Group, nodes: NodeStore, token: Token
) -> None:
    change(nodes, token, "accepting", to="draining")
    change(nodes, token, "draining", to="accepting")
    assert told(group) == [
        ("accepting", "draining", 1), ("draining", "returning", 2), ("returning", "accepting", 3),
    ]  # fmt: skip


def test_a_mode_from_which_the_change_does_not_begin_is_refused_and_nothing_is_told(
    group: Group, nodes: NodeStore, token: Token
) -> None:
    change(nodes, token, "accepting", to="draining")
    before = told(group)
    assert not change(nodes, token, "drained", to="maintenance")
    assert (told(group), stands(nodes)) == (before, ("draining", 1))


def test_another_node_of_that_name_and_one_that_was_gone_are_counted_anew(
    nodes: NodeStore, token: Token
) -> None:
    change(nodes, token, "accepting", to="draining")
    assert reserved(nodes, token, "another") == Reserved()
    assert stands(nodes) == ("accepting", 0)
    change(nodes, token, "accepting", to=GONE)
    assert stands(nodes) == (GONE, 1)
    assert reserved(nodes, token, "another") == Reserved()
    assert stands(nodes) == ("accepting", 0)


def test_a_node_that_is_let_go_of_because_it_is_gone_counts_as_changed(
    group: Group, nodes: NodeStore, token: Token
) -> None:
    change(nodes, token, "accepting", to="draining")
    group.store.fenced_call("finish", token, state="done", outcome="null")
    assert nodes.tidy("a", "u", gone=True)
    assert stands(nodes) == (GONE, 2)
    assert told(group)[-1] == ("draining", GONE, 2)
